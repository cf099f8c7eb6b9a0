package secretscan

import (
	"strings"
	"unicode"
)

// A name is judged by its words and by their order. In English the last word says what a thing
// is: a token_ttl is a duration and a ttl_token is a token. So names that end in a describing
// word (beside) are no credentials, whatever precedes it, and "key" is one only after a word that
// says whose key it is. testdata/ordinary.txt holds texts that must pass, and
// testdata/planted.txt credentials that must be found.

// Name reports whether a name suggests that its value is a credential: DB_PASSWORD,
// clientSecret, api-key. Names that describe a credential, such as token_ttl, secret_arn or
// password_length, do not.
func Name(name string) bool {
	words := nameWords(name[strings.LastIndexByte(name, '.')+1:])
	if len(words) == 0 || beside[words[len(words)-1]] {
		return false
	}
	for i, word := range words {
		switch {
		case passwordWord(word), secretWord(word), word == "tokens" && i == len(words)-1:
			return true
		case (word == "key" || word == "keys") && i == len(words)-1:
			for _, owner := range words[:i] {
				if keyOwners[owner] {
					return !contains(words, "public") && !contains(words, "kms")
				}
			}
		case (word == "string" || word == "str") && i > 0 && (words[i-1] == "connection" || words[i-1] == "conn"):
			return true
		}
	}
	last := words[len(words)-1]
	return last == "authorization" || last == "cookie" || last == "dsn"
}

// passwordName reports whether the value is a credential even if it is a plain number or one
// word.
func passwordName(name string) bool {
	words := nameWords(name)
	return len(words) > 0 && Name(name) && (passwordWord(words[len(words)-1]) || words[len(words)-1] == "passcode")
}

// passwordWord matches parts of words, because names glue them: dbpassword, userpwd, pgpass.
func passwordWord(word string) bool {
	return strings.Contains(word, "passw") || strings.Contains(word, "passphrase") || word == "passcode" ||
		word == "pwd" ||
		word == "pass" || strings.HasSuffix(word, "pwd") && len(word) <= 8 || word == "pgpass" || word == "psk"
}

// secretWord matches the end of a word for the same reason: clientsecret, but not secretary.
func secretWord(word string) bool {
	for _, end := range []string{
		"secret", "secrets", "token", "credential", "credentials", "creds", "apikey", "apikeys", "privatekey", "secretkey",
		"accesskey",
		"accountkey", "authkey", "sharedkey", "masterkey", "encryptionkey", "signingkey", "sharedaccesskey",
		"connectionstring",
	} {
		if strings.HasSuffix(word, end) {
			return true
		}
	}
	return false
}

// keyOwners are the words before "key" that make it a credential: an API key is one, a partition
// key is not.
var keyOwners = wordSet("api access secret private account master shared storage auth authentication client tls ssl " +
	"signing sign hmac " +
	"encryption license app application integration service sdk deploy admin root webhook ingest ingestion write " +
	"cipher customer rsa " +
	"ec dsa jwt server preshared session host ca function device subscription instrumentation routing")

// beside lists last words of names that describe a credential instead of holding it.
var beside = wordSet("arn arns id ids name names version versions url urls uri uris endpoint endpoints path paths " +
	"file " +
	"files filename ttl " +
	"length lengths type types size enabled disabled required optional age count counts days hours minutes seconds " +
	"expiration expiry " +
	"expires policy policies rotation alias aliases strategy status state algorithm format provider providers manager " +
	"managers store " +
	"reference references ref refs description label labels tag tags window period interval date at source sources " +
	"scope scopes issuer " +
	"audience host port region prefix suffix limit limits max min fingerprint thumbprint mode class behavior " +
	"behaviour config " +
	"configuration configurations validity units unit bytes chars characters bucket option options setting settings " +
	"method methods " +
	"field fields header parameter column attribute attributes from types endpoint kms pair pairs usage recovery " +
	"reset change changed " +
	"rule rules permission permissions engine backend location key_id delay validation check checks only list set " +
	"allowed domain domains group groups role roles")

func wordSet(words string) map[string]bool {
	all := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		all[word] = true
	}
	return all
}

func contains(words []string, word string) bool {
	for _, one := range words {
		if one == word {
			return true
		}
	}
	return false
}

// nameWords splits a name at separators and capital letters: dbPassword, APIKey,
// AWS_SECRET_ACCESS_KEY. Digits count as separators.
func nameWords(name string) []string {
	runes := []rune(name)
	var words []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
		}
		word = nil
	}
	for i, r := range runes {
		if !unicode.IsLetter(r) {
			end()
			continue
		}
		if unicode.IsUpper(r) && i > 0 {
			next := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if unicode.IsLower(runes[i-1]) || unicode.IsUpper(runes[i-1]) && next {
				end()
			}
		}
		word = append(word, r)
	}
	end()
	return words
}
