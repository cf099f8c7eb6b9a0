package secretscan

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// Terraform marks values as sensitive, and then prints them elsewhere: in the message of a
// provider, inside a JSON policy, in base64 user data. So each known secret is searched in the
// forms that Terraform, JSON, URLs, hex and base64 give to it. A run can know hundreds of secrets
// and has logs of megabytes, so they are found in one pass by their first bytes.

// minInside is the minimum length, in bytes, of a known secret that is also found inside other
// texts; a shorter one would be found everywhere.
const minInside = 6

const whatKnown = "a value that is marked as sensitive"

// knownSecrets finds many secrets in one pass, by the first bytes of each form.
type knownSecrets struct {
	exact  map[string]bool
	starts map[[minInside]byte][]string
	first  [256]bool
	short  []string // quoted ones, which are shorter than a start
}

func newKnown(secrets []string) *knownSecrets {
	k := &knownSecrets{exact: map[string]bool{}, starts: map[[minInside]byte][]string{}}
	forms := map[string]bool{}
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		k.exact[secret] = true
		if len(secret) < minInside {
			k.short = append(k.short, `"`+jsonText(secret)+`"`) // as a whole quoted value it cannot be a part of a word
		}
		for _, form := range formsOf(secret) {
			forms[form] = true
		}
	}
	for form := range forms {
		if len(form) < minInside {
			continue
		}
		start := [minInside]byte([]byte(form[:minInside]))
		k.starts[start] = append(k.starts[start], form)
		k.first[form[0]] = true
	}
	for _, list := range k.starts { // the longest first
		slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
	}
	return k
}

func (k *knownSecrets) whole(text string) bool {
	return k.exact[text] || text != "" && k.exact[strings.TrimSpace(text)]
}

func (k *knownSecrets) find(text string) []Span {
	if k.whole(text) {
		return []Span{{0, len(text), whatKnown}}
	}
	var found []Span
	for _, form := range k.short {
		for from := 0; ; {
			at := strings.Index(text[from:], form)
			if at < 0 {
				break
			}
			from += at + len(form)
			found = append(found, Span{from - len(form) + 1, from - 1, whatKnown})
		}
	}
	for i := 0; i+minInside <= len(text); i++ {
		if !k.first[text[i]] {
			continue
		}
		for _, form := range k.starts[[minInside]byte([]byte(text[i:i+minInside]))] {
			if strings.HasPrefix(text[i:], form) {
				found = append(found, Span{i, i + len(form), whatKnown})
				break
			}
		}
	}
	return found
}

// formsOf lists the forms that a secret can have inside another text, and the strings of a
// secret that is itself JSON.
func formsOf(secret string) []string {
	forms := []string{secret, strings.TrimSpace(secret)}
	// Logs and diffs put a prefix before each line of a secret with several lines.
	for line := range strings.SplitSeq(secret, "\n") {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") { // the frame of every key
			forms = append(forms, line)
		}
	}
	for _, form := range slices.Clone(forms) {
		escaped := jsonText(form)
		forms = append(forms, escaped, jsonText(escaped), strings.NewReplacer("${", "$${", "%{", "%%{").Replace(escaped))
		if html, err := json.Marshal(form); err == nil {
			forms = append(forms, strings.Trim(string(html), `"`))
		}
	}
	if len(secret) >= minInside {
		forms = append(forms, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)))
		forms = append(forms, base64Forms(secret)...)
	}
	for _, text := range textsOf(secret) {
		forms = append(forms, text, jsonText(text))
	}
	return forms
}

// base64Forms returns the characters that a secret produces in any base64 text that contains it.
// They depend on the number of bytes before it, modulo 3.
func base64Forms(secret string) []string {
	var forms []string
	for shift := range 3 {
		padded := strings.Repeat("\x00", shift) + secret
		whole := base64.RawStdEncoding.EncodeToString([]byte(padded))
		first := (shift*8 + 5) / 6           // characters that also hold bits of what precedes
		end := len(padded) / 3 * 4           // characters of whole groups
		end += []int{0, 1, 2}[len(padded)%3] // and characters of the last bytes that hold nothing else
		if core := whole[first:min(end, len(whole))]; len(core) >= minInside {
			forms = append(forms, core, strings.NewReplacer("+", "-", "/", "_").Replace(core))
		}
	}
	return append(forms, base64.StdEncoding.EncodeToString([]byte(secret)),
		base64.URLEncoding.EncodeToString([]byte(secret)))
}

// textsOf lists the strings in a secret that is a JSON document.
func textsOf(secret string) []string {
	var doc any
	if len(secret) < 2 || strings.IndexByte(`{["`, secret[0]) < 0 || json.Unmarshal([]byte(secret), &doc) != nil {
		return nil
	}
	var texts []string
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case string:
			texts = append(texts, v)
		case map[string]any:
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(doc)
	return texts
}

// jsonText returns a text as JSON writes it between quotes.
func jsonText(text string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return text
	}
	encoded := strings.TrimSuffix(out.String(), "\n")
	return encoded[1 : len(encoded)-1]
}
