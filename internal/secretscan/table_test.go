package secretscan

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// planted is a secret in its surroundings. The file holds it in parts, so that the repository holds no token.
type planted struct{ text, secret string }

func plantedSecrets(t testing.TB) []planted {
	t.Helper()
	var all []planted
	for _, line := range lines(t, "testdata/planted.txt") {
		decoder := json.NewDecoder(strings.NewReader(line))
		var around string
		var parts []string
		if err := decoder.Decode(&around); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if err := decoder.Decode(&parts); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		secret := strings.Join(parts, "")
		all = append(all, planted{strings.Replace(around, "§", secret, 1), secret})
	}
	return all
}

func lines(t testing.TB, name string) []string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
}

func TestPlantedSecretsAreFound(t *testing.T) {
	all := plantedSecrets(t)
	if len(all) < 300 {
		t.Errorf("only %d secrets", len(all))
	}
	for _, p := range all {
		if _, found := Credential(p.text); !found {
			t.Errorf("accepted as input: %q", p.text)
			continue
		}
		masked := (*Scanner)(nil).Mask(p.text, "\x00")
		if left := leftOver(p, masked); left != "" {
			t.Errorf("%q\n  of %q\n  is shown in %q", left, p.text, masked)
		}
		if again := (*Scanner)(nil).Mask(strings.ReplaceAll(masked, "\x00", "(sensitive)"), "\x00"); strings.Contains(again,
			"\x00") {
			t.Errorf("%q: masked twice: %q", p.text, again)
		}
	}
}

// leftOver is a piece of the secret that the masked text still shows and the surroundings do not hold.
func leftOver(p planted, masked string) string {
	const piece = 5
	around := strings.Replace(p.text, p.secret, "\x00", 1)
	if len(p.secret) < piece && strings.Contains(masked, p.secret) {
		return p.secret
	}
	for i := 0; i+piece <= len(p.secret); i++ {
		if one := p.secret[i : i+piece]; strings.Contains(masked, one) && !strings.Contains(around, one) {
			return one
		}
	}
	return ""
}

func TestOrdinaryTextsPass(t *testing.T) {
	all := lines(t, "testdata/ordinary.txt")
	if len(all) < 300 {
		t.Errorf("only %d texts", len(all))
	}
	for _, line := range all {
		line = strings.ReplaceAll(line, "⏎", "\n")
		if masked := (*Scanner)(nil).Mask(line, "\x00"); masked != line {
			what, _ := Credential(line)
			t.Errorf("%q is taken for %s: %q", line, what, masked)
		}
	}
}
