package secretscan

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// texts draws surroundings, names, secrets and pieces of them in any order.
func textsWith(all []planted) *rapid.Generator[string] {
	pieces := rapid.OneOf(
		rapid.Custom(func(t *rapid.T) string { return rapid.SampledFrom(all).Draw(t, "planted").text }),
		rapid.Custom(func(t *rapid.T) string {
			text := rapid.SampledFrom(all).Draw(t, "planted").text
			return text[:rapid.IntRange(0, len(text)).Draw(t, "cut")]
		}),
		rapid.SampledFrom([]string{"password=", `{"a":"`, `"}`, "\n", `\n`, " ", ":", "=", `"`, `\"`,
			"-----END PRIVATE KEY-----", "https://u:p@h", "<<EOT\n", "[", "\\u00", "é"}),
		rapid.StringN(0, 20, -1),
	)
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(pieces, 0, 6).Draw(t, "pieces"), "")
	})
}

// hiddenBytes tells for each byte of a text whether it is hidden.
func hiddenBytes(s *Scanner, text string) []bool {
	hidden := make([]bool, len(text))
	for _, one := range s.Find(text) {
		for i := one.Start; i < one.End; i++ {
			hidden[i] = true
		}
	}
	return hidden
}

// A secret that becomes known, a mark more, never reveals a byte that was hidden without it.
func TestMoreKnownSecretsNeverRevealMore(t *testing.T) {
	all := plantedSecrets(t)
	rapid.Check(t, func(t *rapid.T) {
		text := textsWith(all).Draw(t, "text")
		secret := rapid.OneOf(rapid.StringN(1, 30, -1), rapid.Custom(func(t *rapid.T) string {
			from := rapid.IntRange(0, len(text)).Draw(t, "from")
			return text[from:rapid.IntRange(from, len(text)).Draw(t, "to")]
		}))
		few := rapid.SliceOfN(secret, 0, 3).Draw(t, "few")
		more := append(slices.Clone(few), rapid.SliceOfN(secret, 1, 3).Draw(t, "more")...)
		with, without := hiddenBytes(New(more), text), hiddenBytes(New(few), text)
		for i := range text {
			if without[i] && !with[i] {
				t.Fatalf("byte %d (%q) of %q shows with %q and not with %q", i, text[i], text, more, few)
			}
		}
		for i, known := range hiddenBytes(nil, text) {
			if known && !without[i] {
				t.Fatalf("byte %d of %q shows with %q and not without", i, text, few)
			}
		}
	})
}

// Spans are in order, do not overlap and cut no character.
func TestSpansFit(t *testing.T) {
	all := plantedSecrets(t)
	rapid.Check(t, func(t *rapid.T) {
		text := textsWith(all).Draw(t, "text")
		end := 0
		for _, one := range New([]string{"known-secret"}).Find(text) {
			if one.Start < end || one.End <= one.Start || one.End > len(text) || one.What == "" {
				t.Fatalf("%+v of %d bytes after %d", one, len(text), end)
			}
			if utf8.ValidString(text) && (!utf8.ValidString(text[:one.Start]) || !utf8.ValidString(text[one.Start:one.End])) {
				t.Fatalf("%+v cuts a character of %q", one, text)
			}
			end = one.End
		}
	})
}

func FuzzFind(f *testing.F) {
	for _, p := range plantedSecrets(f) {
		f.Add(p.text)
	}
	f.Fuzz(func(t *testing.T, text string) { New([]string{"hunter2-hunter2"}).Mask(text, "(sensitive)") })
}

func TestKnownSecretsAreFoundInEveryForm(t *testing.T) {
	const secret = `pa"ss<w>${o}rd` + "\nsecond line"
	s := New([]string{secret, "ab", `{"user":"ana-banana","n":1}`})
	for name, text := range map[string]string{
		"itself": secret, "inside": "x" + secret + "y", "a line": "the second line of it",
		"escaped":       `"pa\"ss<w>${o}rd\nsecond line"`,
		"escaped twice": `pa\\\"ss<w>${o}rd\\nsecond`, "html": `pa\"ss\u003cw\u003e${o}rd`, "template": `pa\"ss<w>$${o}rd`,
		"query":  "x=pa%22ss%3Cw%3E%24%7Bo%7Drd%0Asecond+line",
		"base64": "cGEic3M8dz4ke299cmQKc2Vjb25kIGxpbmU=", "base64 behind one byte": "eHBhInNzPHc+JHtvfXJkCnNlY29uZCBsaW5l",
		"base64 behind two": "eHhwYSJzczx3PiR7b31yZApzZWNvbmQgbGluZXk=",
		"hex":               "70612273733c773e247b6f7d72640a7365636f6e64206c696e65",
		"short, quoted":     `x = "ab"`, "short, whole": "ab", "a text of a document": "by ana-banana",
	} {
		if len(s.Find(text)) == 0 {
			t.Errorf("%s: %q is shown", name, text)
		}
	}
	for _, text := range []string{"abc", "second", "pass"} {
		if got := s.Mask(text, "X"); got != text {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}

// No text of a quarter of a mebibyte takes minutes, however it is made: each kind of search reads
// it a bounded number of times.
func TestLargeTextsAreScanned(t *testing.T) {
	for name, piece := range map[string]string{
		"keywords": "ghp_ xoxb- sk- akia ey password= token: -----BEGIN PRIVATE KEY----- https://a:b ",
		"letters":  "abcdefghij ",
		"base64":   "QUJDREVGRw", "quotes": `"\"'`, "separators": "=:=:", "names": "password:",
		"brackets": `password = ["a",`,
		"begins":   "-----BEGIN PRIVATE KEY-----", "ends": "-----END PRIVATE KEY-----\n", "addresses": "a://b:c",
		"heredocs": "password = <<EOT\n",
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Repeat(piece, (256<<10)/len(piece))
			if masked := (*Scanner)(nil).Mask(text, "X"); len(masked) == 0 {
				t.Error("nothing is left")
			}
		})
	}
}

func TestRulesOfGitleaks(t *testing.T) {
	set := gitleaks()
	if !strings.Contains(set.Source, "gitleaks") || len(set.Rules) < 200 {
		t.Errorf("%d rules of %q", len(set.Rules), set.Source)
	}
	set.global()
	for i := range set.Rules {
		r := &set.Rules[i]
		r.pattern()
		r.allowed()
		if len(r.Keywords) == 0 || r.what == "" {
			t.Errorf("%s has no keyword or no words", r.ID)
		}
	}
	for i := range formatRules().Rules {
		formatRules().Rules[i].pattern()
	}
}
