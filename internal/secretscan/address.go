package secretscan

import (
	"regexp"
	"strings"
)

// Addresses with a password: postgres://user:password@host/db. The syntax of RFC 3986 is not
// strict enough to find them, because people write passwords into addresses without escaping /
// and @. So the password is taken as long as possible, and what only looks like one is excluded
// afterwards.

// userInfo matches a scheme followed by a possible user and password. A password may contain /
// and @, so it ends at the last @ of the word.
var userInfo = regexp.MustCompile("(?i)\\b[a-z][a-z0-9+.-]{0,40}:(?:\\\\?/){2}([^\\s/:\"'`<>\\\\]*):([^\\s\"'`<>]+)@")

// userToken matches an address with a token in place of the user.
var userToken = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]{0,40}://([A-Za-z0-9_-]{20,})@`)

var port = regexp.MustCompile(`^[0-9]{1,5}(?:[/?#]|$)`)

// findAddresses finds addresses with a password.
func findAddresses(text string) []Span {
	if !strings.Contains(text, "@") {
		return nil
	}
	var found []Span
	for _, at := range userInfo.FindAllStringSubmatchIndex(text, -1) {
		user, password := text[at[2]:at[3]], text[at[4]:at[5]]
		// Documentation shows user:****@host, and logs mask passwords in this way.
		if isPort(text[at[0]:at[2]], user, password) || isPlaceholder(password) || strings.Trim(password, "*.xX") == "" {
			continue
		}
		found = append(found, Span{at[4], at[5], "an address with a password"})
	}
	for _, at := range userToken.FindAllStringSubmatchIndex(text, -1) {
		// A long user name is not a secret: git URLs contain real ones.
		if looksRandom(text[at[2]:at[3]]) {
			found = append(found, Span{at[2], at[3], "an address with a token"})
		}
	}
	return found
}

// isPort reports whether a possible user and password is really a host with a port, before a
// path that contains an @. A host without a dot is recognized by the path after its port.
func isPort(scheme, user, password string) bool {
	digits := port.FindString(password)
	if digits == "" {
		return false
	}
	host := user[strings.LastIndexByte(user, '@')+1:]
	web := strings.HasPrefix(strings.ToLower(scheme), "http") && strings.ContainsAny(digits, "/?#")
	return strings.Contains(host, ".") || strings.EqualFold(host, "localhost") || web
}
