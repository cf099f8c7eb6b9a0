package lifecycle

import "strings"

// SameLogin reports whether two GitHub logins name one account. GitHub compares them without
// case, in ASCII only: strings.EqualFold would take letters outside ASCII, such as the Kelvin
// sign, for others. An empty login names no account.
func SameLogin(a, b string) bool {
	a, b = FoldLogin(a), FoldLogin(b)
	return a != "" && a == b
}

// FoldLogin is the one form of a login in which it is a key.
func FoldLogin(login string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, strings.TrimSpace(login))
}

// Protected reports whether an environment with this key has the rules of production: prod
// always, another one when it is configured so.
func Protected(key string, configured bool) bool { return configured || key == "prod" }
