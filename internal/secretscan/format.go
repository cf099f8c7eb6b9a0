package secretscan

import (
	"regexp"
	"strings"
	"sync"
)

// Formats that their makers chose so that scanners can find them: a prefix, a length, an
// alphabet. gitleaks has rules for many, often with the exact length of today, and makers make
// tokens longer over time. The rows here have minimum lengths, so that a longer token is still
// found, and add what is no API token, such as a password on a command line.
//
// A mark is a literal part of the pattern in lower case. It is searched first, in one pass for
// all rows, and the pattern is tried only around it, so that a large log costs little. If a
// pattern has a group, only the group is hidden, so that a reader still sees what kind of thing
// was removed.

// format is a credential with a fixed prefix that gitleaks does not know, or knows with one
// length only. The pattern starts with the prefix.
type format struct {
	what    string
	marks   []string // in lower case; each begins or is part of what the pattern finds
	pattern string
	random  bool // the rest must look random, so that names with the same prefix pass
}

var formats = []format{
	{"an AWS access key", []string{"akia", "asia", "abia", "acca", "a3t"},
		`\b(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}\b`, false},
	{"an AWS session token", []string{"iqojb3jpz2lu", "fwogzxivyxdz", "fqogzxivyxdz"},
		`(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz)[A-Za-z0-9+/=%]{60,}`, false},
	{"a signed address of AWS", []string{"x-amz-signature", "x-amz-security-token"},
		`(?i)X-Amz-(?:Signature|Security-Token)=([A-Za-z0-9%+/=_.-]{20,})`, false},
	{"a GitHub token", []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"},
		`\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,})`, false},
	{"a GitLab token", []string{"glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-"},
		`\bgl(?:pat|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_=.-]{20,}`, false},
	{"a Bitbucket token", []string{"atbb", "atctt3", "atatt3"},
		`\b(?:ATBB[A-Za-z0-9]{28,}|AT[CA]TT3[A-Za-z0-9_=-]{50,})`, false},
	{"a Slack token", []string{"xox", "xapp-"},
		`\b(?:xox[abceoprs](?:\.xox[bp])?-[0-9][A-Za-z0-9-]{9,}|xapp-[0-9]-[A-Za-z0-9-]{10,})`, false},
	{"a Slack token", []string{"xox"}, `\bxox[abceoprs]-[A-Za-z0-9-]{10,}`, true},
	{"a Slack webhook address", []string{"hooks.slack.com/"},
		`(?i)hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{8,})`, false},
	{"a Discord webhook address", []string{"/api/webhooks/"},
		`(?i)discord(?:app)?\.com/api/webhooks/([0-9]{15,}/[A-Za-z0-9_-]{30,})`, false},
	{"a Telegram token", []string{":aa"}, `\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b`, false},
	{"a JSON web token", []string{"ey"}, `\bey[JI][A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`, false},
	{"an encrypted JSON web token", []string{"ey"},
		`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`, false},
	{"a key of a model service", []string{"sk-"}, `\bsk-[A-Za-z0-9_-]{20,}`, true},
	{"a key of a model service", []string{"sk-"}, `\bsk-(?:ant|proj|svcacct|or)-[A-Za-z0-9_-]{32,}`, false},
	{"a key of a model service", []string{"gsk_", "xai-", "pplx-", "r8_", "hf_", "fw_"},
		`\b(?:gsk_|xai-|pplx-|r8_|hf_|fw_)[A-Za-z0-9]{24,}`, true},
	{"a Google API key", []string{"aiza"}, `\bAIza[A-Za-z0-9_-]{35}`, false},
	{"a Google OAuth credential", []string{"gocspx-", "ya29.", "1//0"},
		`(?:\bGOCSPX-[A-Za-z0-9_-]{20,}|\bya29\.[A-Za-z0-9_-]{20,}|\b1//0[A-Za-z0-9_-]{30,})`, false},
	{"a Firebase key", []string{":apa91b"}, `\bAAAA[A-Za-z0-9_-]{7}:APA91b[A-Za-z0-9_-]{100,}`, false},
	{"a Stripe key", []string{"sk_", "rk_", "whsec_"},
		`\b(?:[rs]k_(?:live|test|prod|org)_[A-Za-z0-9_]{10,}|whsec_[A-Za-z0-9+/]{20,}=*)`, false},
	{"a Square token", []string{"sq0"}, `\bsq0[a-z]{3}-[A-Za-z0-9_-]{22,}`, false},
	{"an npm token", []string{"npm_"}, `\bnpm_[A-Za-z0-9]{36}`, false},
	{"a PyPI token", []string{"pypi-"}, `\bpypi-[A-Za-z0-9_-]{50,}`, false},
	{"a NuGet key", []string{"oy2"}, `\boy2[a-z0-9]{43}\b`, false},
	{"a crates.io token", []string{"cio"}, `\bcio[A-Za-z0-9]{32}\b`, true},
	{"a HashiCorp token", []string{"hvs.", "hvb.", "hvr.", "atlasv1"},
		`\b(?:hv[sbr]\.[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,})`, false},
	{"a HashiCorp token", []string{"s."}, `\bs\.[A-Za-z0-9]{24}\b`, true},
	{"a SendGrid key", []string{"sg."}, `\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`, false},
	{"a Mailgun key", []string{"key-"}, `\bkey-[0-9a-f]{32}\b`, false},
	{"a Mailchimp key", []string{"-us"}, `\b[0-9a-f]{32}-us[0-9]{1,2}\b`, false},
	{"a Docker Hub token", []string{"dckr_"}, `\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}`, false},
	{"a Tailscale key", []string{"tskey-"}, `\btskey-[a-z]+-[A-Za-z0-9]{8,}-?[A-Za-z0-9]*`, false},
	{"a DigitalOcean token", []string{"_v1_"}, `\bdo[opr]_v1_[a-f0-9]{40,}`, false},
	{"a Databricks token", []string{"dapi", "dkea"}, `\b(?:dapi|dkea)[a-f0-9]{32}`, false},
	{"a New Relic key", []string{"nrak-", "nrii-", "nrjs-", "nral"},
		`\b(?:NRAK|NRII|NRJS)-[A-Za-z0-9_-]{19,}|\b[a-f0-9]{36}NRAL\b`, false},
	{"a Supabase key", []string{"sbp_", "sb_secret_"}, `\b(?:sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{20,})`, false},
	{"a Figma token", []string{"figd_"}, `\bfigd_[A-Za-z0-9_-]{30,}`, false},
	{"a Notion token", []string{"secret_", "ntn_"}, `\b(?:secret_|ntn_)[A-Za-z0-9]{40,}`, true},
	{"a Doppler token", []string{"dp."}, `\bdp\.(?:pt|st|ct|scim|audit|sa)\.[A-Za-z0-9._-]{40,}`, false},
	{"a Netlify token", []string{"nfp_"}, `\bnfp_[A-Za-z0-9]{36,}`, false},
	{"a CircleCI token", []string{"ccipat_"}, `\bCCIPAT_[A-Za-z0-9_]{30,}`, false},
	{"a Buildkite token", []string{"bkua_", "bkat_"}, `\bbk(?:ua|at)_[a-zA-Z0-9]{30,}`, false},
	{"a Sourcegraph token", []string{"sgp_"}, `\bsgp_(?:[A-Fa-f0-9]{16}_|local_)?[A-Fa-f0-9]{40}`, false},
	{"an Aiven password", []string{"avns_"}, `\bAVNS_[A-Za-z0-9_-]{15,}`, false},
	{"a Tencent key", []string{"akid"}, `\bAKID[A-Za-z0-9]{32}\b`, false},
	{"an Amazon MWS token", []string{"amzn.mws."}, `\bamzn\.mws\.[0-9a-f]{8}-[0-9a-f-]{27}`, false},
	{"an Azure DevOps token", []string{"azdo"}, `\b[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}\b`, false},
	{"an Azure signature", []string{"sig="}, `(?i)[?&;]sig=([A-Za-z0-9%+/=_-]{30,})`, false},
	{"an Azure AD secret", []string{"q~"}, `[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}`, false},
	{"an Airtable token", []string{"pat"}, `\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}`, false},
	{"a Grafana token", []string{"glsa_", "glc_"}, `\bgl(?:sa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|c_[A-Za-z0-9+/]{32,}=*)`,
		false},
	{"a password hash", []string{"$2", "$5$", "$6$", "$y$", "$argon2", "$apr1$", "$1$"},
		`\$(?:2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{53}|(?:1|5|6|y|apr1)\$[^\s"'$]{1,40}\$[./A-Za-z0-9$]{20,}|argon2[id]` +
			`{1,2}\$[^\s"']{20,})`, false},
	{"a header with a credential", []string{"authorization"},
		`(?i)\bauthorization\\*["']?[\s:=>,\\"']{1,12}(?:basic|bearer|digest|token|apikey|negotiate|aws4-hmac-sha256)\s+` +
			`([^\s"'<>\\]{3,}[^"'<>\\\r\n]{0,400})`, false},
	{"a bearer token", []string{"bearer "}, `(?i)\bbearer\s+([A-Za-z0-9_.~+/-]{16,}=*)`, true},
	{"a user with a password", []string{"-u ", "--user "},
		`(?:^|\s)(?:-u|--user)[ =]["']?[A-Za-z0-9._@-]{1,64}:([^\s"'$]{3,})`, false},
	{"a password on a command line", []string{"--"},
		`(?i)(?:^|[\s"'=])--(?:[a-z]+-)*(?:password|passwd|passphrase|secret|token|api-key|access-key|secret-key` +
			`|auth-token)[ =]["']?([^\s"'$<(-][^\s"']{3,})`, false},
	{"a password on a command line", []string{"-p"},
		`\b(?:mysql|mysqldump|mariadb|mysqladmin|sshpass)\b[^\n;|&]{0,200}?\s-p["']?([^\s"'$<(-][^\s"']{3,})`, false},
	{"a password on a command line", []string{"sshpass"}, `\bsshpass\s+-p\s*["']?([^\s"'$<(-][^\s"']{3,})`, false},
	{"a password on a command line", []string{" login"},
		`\b(?:docker|podman|buildah|skopeo|nerdctl|helm|crane)\b[^\n;|&]{0,80}?\slogin\b[^\n;|&]{0,200}?\s-p\s*["']?` +
			`([^\s"'$<(-][^\s"']{3,})`, false},
	{"a login of a registry", []string{"auth"}, `(?i)\\*["']auth\\*["']\s*:\s*\\*["']([A-Za-z0-9+/]{8,}={0,2})\\*["']`,
		true},
	{"a password of a database user", []string{"identified by", "password '"},
		`(?i)\b(?:identified\s+by(?:\s+password)?|password)\s+'([^'\n]{3,200})'`, false},
	{"a database address with a password", []string{"jdbc:oracle:", "sqlplus "},
		`(?i)(?:\bjdbc:oracle:[a-z0-9]+:|\bsqlplus\s+(?:-\S+\s+)*)[A-Za-z0-9_.$#-]{1,64}/([^\s"'@]{3,200})@`, false},
	{"a password in a document", []string{"</"},
		`(?i)<(?:[\w.-]*:)?[\w.-]*(?:password|passwd|passphrase|secret|token|apikey|api[._-]key|privatekey` +
			`|private[._-]key|connectionstring)>\s*([^<\s][^<]{2,})</`, false},
	{"a password in a sentence", []string{"password", "passphrase"},
		`(?i)\b(?:password|passphrase)\s+(?:is|was)\s+["']?([^\s"']{10,200})`, true},
	{"a password of a container build", []string{"env "},
		`\b(?:ENV|ARG|setenv)\s+[A-Za-z0-9_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_KEY|ACCESS_KEY|PRIVATE_KEY)\s+["']?` +
			`([^\s"'$<(][^\s"']{3,})`, false},
	{"a login of a .netrc", []string{"password "}, `(?i)\b(?:login|machine)\s+\S{1,200}\s+password\s+([^\s"']{3,})`,
		false},
	{"a database address with a password", []string{"@tcp(", "@unix(", "@udp(", "@("},
		`[A-Za-z0-9_.%-]{0,64}:([^\s"'/][^\s"']{0,200})@(?:tcp|udp|unix)?\(`, false},
	{"a PuTTY private key", []string{"putty-user-key-file"}, `(?s)PuTTY-User-Key-File-[0-9]+:.*`, false},
	{"an age private key", []string{"age-secret-key-"}, `(?i)AGE-SECRET-KEY-1[A-Z0-9]{20,}`, false},
	{"an SSH private key", []string{"b3blbnnzac1rzxktdj"}, `b3BlbnNzaC1rZXktdj[A-Za-z0-9+/=\\\s]{20,}`, false},
}

// formatRules compiles each pattern when its mark first occurs: most processes meet few of them.
var formatRules = sync.OnceValue(func() *ruleSet {
	set := &ruleSet{global: compileLater(nil)}
	for i := range formats {
		f := &formats[i]
		set.Rules = append(set.Rules, rule{Regex: f.pattern, what: f.what, Keywords: f.marks})
	}
	for i := range set.Rules {
		r := &set.Rules[i]
		r.pattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(r.Regex) })
		for _, mark := range r.Keywords {
			set.keyword.add(mark, i)
		}
	}
	return set
})

// findFormats has no allow list as gitleaks has, only general exceptions: placeholders and texts
// made of words.
func findFormats(text string) []Span {
	set := formatRules()
	var found []Span
	for _, hit := range set.keyword.windows(text) {
		r := &set.Rules[hit.rule]
		window := text[hit.start:hit.end]
		for _, at := range r.pattern().FindAllStringSubmatchIndex(window, -1) {
			from, to := secretGroup(at, 0)
			secret := window[from:to]
			if formats[hit.rule].random && !holdsRandom(secret) || isPlaceholder(secret) || isWords(secret) {
				continue
			}
			found = append(found, Span{hit.start + from, tokenEnd(text, hit.start+to), r.what})
		}
	}
	return found
}

// holdsRandom reports whether a part between separators is long and looks random, or is longer
// than any word.
func holdsRandom(token string) bool {
	for part := range strings.FieldsFuncSeq(token, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
		if len(part) >= 10 && looksRandom(part) || len(part) >= 32 && classes(part).upper == 0 {
			return true
		}
	}
	return false
}
