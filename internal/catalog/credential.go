package catalog

import "regexp"

// A credential that is pasted into a form would be kept in S3, git and Slack, so it is refused where it is typed, and cut out of
// text that leaves a run. The list holds formats that their makers publish; each is anchored so that it does not eat words.
var credentials = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"an AWS access key", regexp.MustCompile(`\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b`)},
	{"a GitHub token", regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})`)},
	{"a GitLab token", regexp.MustCompile(`\bgl(?:pat|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_=-]{20,}`)},
	{"a Slack token", regexp.MustCompile(`\bx(?:ox[abceoprs]|app)-[A-Za-z0-9-]{10,}`)},
	{"a Slack webhook address", regexp.MustCompile(`hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]+`)},
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:[^-]*-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)?`)},
	{"a JSON web token", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`)},
	{"a key of a model service", regexp.MustCompile(`\bsk-[A-Za-z0-9_-]{20,}`)},
	{"a Google API key", regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}`)},
	{"a Stripe key", regexp.MustCompile(`\b[rs]k_(?:live|test)_[A-Za-z0-9]{10,}`)},
	{"an npm token", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}\b`)},
	{"a PyPI token", regexp.MustCompile(`\bpypi-[A-Za-z0-9_-]{50,}`)},
	{"a HashiCorp token", regexp.MustCompile(`\b(?:hv[sbr]\.[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,})`)},
	{"a SendGrid key", regexp.MustCompile(`\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`)},
	{"an address with a password", regexp.MustCompile(`\b[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@`)},
}

// awsSecret has no mark of its own, so only a whole value of its exact shape counts.
var (
	awsSecret = regexp.MustCompile(`^[A-Za-z0-9/+]{40}$`)
	allHex    = regexp.MustCompile(`^[0-9a-fA-F]+$`)
	mixedCase = regexp.MustCompile(`[a-z].*[A-Z]|[A-Z].*[a-z]`)
	anyDigit  = regexp.MustCompile(`[0-9]`)
)

// Credential says what kind of known credential a text holds, such as "a GitHub token".
func Credential(text string) (what string, found bool) {
	for _, one := range credentials {
		if one.pattern.MatchString(text) {
			return one.what, true
		}
	}
	if awsSecret.MatchString(text) && !allHex.MatchString(text) && mixedCase.MatchString(text) && anyDigit.MatchString(text) {
		return "an AWS secret key", true
	}
	return "", false
}

// CutCredentials replaces every known credential in a text.
func CutCredentials(text, with string) string {
	for _, one := range credentials {
		text = one.pattern.ReplaceAllLiteralString(text, with)
	}
	return text
}
