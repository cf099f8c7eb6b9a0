package lifecycle

import "testing"

func TestSameLogin(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"dana", "dana", true}, {"Dana", "dANA", true}, {" dana", "dana\n", true}, {"dana-1", "DANA-1", true},
		{"dana", "dan", false}, {"dana_", "dana-", false},
		{"AZ", "az", true},
		{"", "", false}, {" ", "", false}, {"dana", "", false},
		// which strings.EqualFold takes for the same
		{"\u212aelvin", "kelvin", false}, {"\u017fam", "sam", false}, {"DÉ", "dé", false},
	} {
		if got := SameLogin(c.a, c.b); got != c.same || SameLogin(c.b, c.a) != got {
			t.Errorf("%q, %q: %v", c.a, c.b, got)
		}
		if (FoldLogin(c.a) == FoldLogin(c.b)) != c.same && FoldLogin(c.a) != "" {
			t.Errorf("%q and %q are the keys %q and %q", c.a, c.b, FoldLogin(c.a), FoldLogin(c.b))
		}
	}
}

func TestFoldLogin(t *testing.T) {
	for login, want := range map[string]string{" AZaz-09\n": "azaz-09", "@[`{": "@[`{", "Ä": "Ä", "": ""} {
		if got := FoldLogin(login); got != want {
			t.Errorf("%q becomes %q, want %q", login, got, want)
		}
	}
}

func TestProtected(t *testing.T) {
	for _, c := range []struct {
		key        string
		configured bool
		want       bool
	}{{"prod", false, true}, {"prod", true, true}, {"dev", true, true}, {"dev", false, false}, {"prod2", false, false},
		{"", false, false}} {
		if got := Protected(c.key, c.configured); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
