package lifecycle

import "strings"

// SameLogin reports whether two GitHub logins name one account. GitHub ignores the case of ASCII
// letters only; strings.EqualFold would also match letters outside ASCII, such as the Kelvin
// sign. An empty login names no account.
func SameLogin(a, b string) bool {
	a, b = FoldLogin(a), FoldLogin(b)
	return a != "" && a == b
}

// FoldLogin returns the canonical form of a login, for use as a key.
func FoldLogin(login string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, strings.TrimSpace(login))
}

// Protected reports whether an environment has the rules of production. prod always has them;
// others have them if configured.
func Protected(key string, configured bool) bool { return configured || key == "prod" }
