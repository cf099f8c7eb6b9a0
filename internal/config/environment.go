package config

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

// Reads the environment variables of one process. All faults are collected and reported together,
// since a deployment that fails once for each mistake wastes time. A value can come from a file
// (NAME_FILE), which is how Kubernetes and Docker pass secrets: child processes and crash reports
// can contain variables, but not files.
//
// A fault names the variable and the fix, and quotes a value only if it is no secret.

const (
	// Bytes; far above any key. A wrong path could name a log file.
	maxSecretFile    = 64 << 10
	minWebhookSecret = 16
	minSessionKey    = 32
	maxLogins        = 1000
)

// reader reads the variables of one process and collects faults.
type reader struct {
	process Process
	source  Source
	faults  Faults
}

func (r *reader) fault(name, format string, args ...any) {
	r.faults = append(r.faults, Fault{name, fmt.Sprintf(format, args...)})
}

func (r *reader) read() *Config {
	c := &Config{
		Slack: Slack{
			BotToken: r.secret("SLACK_BOT_TOKEN"),
			AppToken: r.secret("SLACK_APP_TOKEN"),
			APIURL:   r.address("SLACK_API_URL"),
		},
		GitHub: r.github(),
		Store: Store{
			Bucket:   r.named("TFPILOT_REQUESTS_BUCKET", lifecycle.NameBucket),
			Region:   r.named("AWS_REGION", lifecycle.NameRegion),
			Endpoint: r.address("AWS_ENDPOINT_URL_S3"),
		},
		Redis: Redis{URL: r.redis()},
		Model: Model{Key: r.secret("OPENAI_API_KEY"), BaseURL: r.address("OPENAI_BASE_URL"),
			Name: r.value("OPENAI_MODEL")},
		HTTP:   r.http(),
		People: r.people(),
	}
	if err := c.LogLevel.UnmarshalText([]byte(r.value("TFPILOT_LOG_LEVEL"))); err != nil {
		r.fault("TFPILOT_LOG_LEVEL", "is not a valid level; use debug, info, warn or error")
		c.LogLevel = slog.LevelInfo
	}
	return c
}

// value returns the value of a variable, the content of its file, or its default.
func (r *reader) value(name string) string {
	v := variables[name]
	if !v.usedBy(r.process) {
		return v.Default
	}
	direct, _ := r.source.Lookup(name)
	path, _ := r.source.Lookup(name + "_FILE")
	switch {
	case direct != "" && path != "":
		r.fault(name, "is set both directly and by %s_FILE; unset one of them", name)
		return direct
	case path != "":
		return r.file(name, path)
	case direct != "":
		return strings.TrimSpace(direct)
	case v.neededBy(r.process):
		r.fault(name, "is not set (required by %s): %s", r.process.words(), v.Help)
	}
	return v.Default
}

// file reads the value of a variable from a file, without the line break that editors add.
func (r *reader) file(name, path string) string {
	data, err := r.source.ReadFile(path)
	switch {
	case err != nil:
		r.fault(name+"_FILE", "%v; use a file that this process can read", err)
	case len(data) > maxSecretFile:
		r.fault(name+"_FILE", "the file is larger than %d bytes; check its path", maxSecretFile)
	case strings.TrimSpace(string(data)) == "":
		r.fault(name+"_FILE", "the file is empty; it must contain the value")
	}
	return strings.TrimSpace(string(data))
}

func (r *reader) secret(name string) Secret { return NewSecret(r.value(name)) }

// named checks the format of a name here, because a wrong one would fail much later, in a call to
// AWS.
func (r *reader) named(name string, n lifecycle.Name) string {
	v := r.value(name)
	if v != "" && !n.Valid(v) {
		r.fault(name, "%q is not %s", v, n.Want)
	}
	return v
}

// address returns an http or https URL without credentials in it.
func (r *reader) address(name string) string {
	v := r.value(name)
	if v == "" {
		return ""
	}
	if err := checkAddress(v); err != nil {
		r.fault(name, "%v; use a URL such as https://host/path", err)
	}
	return v
}

// checkAddress rejects credentials in a URL: addresses appear in logs and errors. It rejects a
// query too, because paths are appended to the address.
func checkAddress(v string) error {
	u, err := url.Parse(v)
	switch {
	case err != nil:
		return errors.New("is not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("is neither http nor https")
	case u.Host == "":
		return errors.New("has no host")
	case u.User != nil:
		return errors.New("contains a user or password")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("contains a query or a fragment")
	}
	return nil
}

// redis treats the whole URL as a secret, because it contains the password.
func (r *reader) redis() Secret {
	s := r.secret("REDIS_URL")
	if !s.Set() {
		return s
	}
	u, err := url.Parse(s.Reveal())
	if err != nil || u.Host == "" || u.Scheme != "redis" && u.Scheme != "rediss" {
		r.fault("REDIS_URL", "is not a redis:// or rediss:// address with a host")
	}
	return s
}

func (r *reader) http() HTTP {
	h := HTTP{
		Addr:       r.listen("TFPILOT_HTTP_ADDR"),
		AdminAddr:  r.listen("TFPILOT_ADMIN_ADDR"),
		PublicURL:  strings.TrimSuffix(r.address("TFPILOT_PUBLIC_URL"), "/"),
		SessionKey: r.secret("TFPILOT_SESSION_KEY"),
	}
	if h.SessionKey.Set() && len(h.SessionKey.Reveal()) < minSessionKey {
		r.fault("TFPILOT_SESSION_KEY", "is shorter than %d characters; generate one with: openssl rand -hex 32",
			minSessionKey)
	}
	return h
}

// listen checks an address to listen on. net.Listen would also take the name of a port or 080,
// which are rather mistakes here.
func (r *reader) listen(name string) string {
	v := r.value(name)
	_, port, err := net.SplitHostPort(v)
	if n, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil || port != strconv.FormatUint(n, 10) {
		r.fault(name, "%q is not a valid address to listen on; use host:port or :port", v)
	}
	return v
}

// github reads the App or the token. The worker needs one of them.
func (r *reader) github() GitHub {
	g := GitHub{
		AppID:          r.number("GITHUB_APP_ID"),
		InstallationID: r.number("GITHUB_APP_INSTALLATION_ID"),
		PrivateKey:     r.privateKey(),
		Token:          r.secret("GITHUB_TOKEN"),
		APIURL:         r.address("GITHUB_API_URL"),
		WebhookSecret:  r.secret("GITHUB_WEBHOOK_SECRET"),
	}
	anyOf := g.AppID != 0 || g.InstallationID != 0 || g.PrivateKey.Set()
	allOf := g.AppID != 0 && g.InstallationID != 0 && g.PrivateKey.Set()
	switch {
	case anyOf && g.Token.Set():
		r.fault("GITHUB_TOKEN", "is set together with GITHUB_APP_…; unset one of them")
	case anyOf && !allOf:
		r.fault("GITHUB_APP_ID", "GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PRIVATE_KEY belong together; "+
			"set all three")
	case !anyOf && !g.Token.Set() && (r.process == Worker || r.process == Doctor):
		r.fault("GITHUB_APP_ID", "%s needs GitHub; set the three GITHUB_APP_… variables (or GITHUB_TOKEN)",
			r.process.words())
	}
	if g.WebhookSecret.Set() && len(g.WebhookSecret.Reveal()) < minWebhookSecret {
		r.fault("GITHUB_WEBHOOK_SECRET", "is shorter than %d characters; generate one with: openssl rand -hex 32",
			minWebhookSecret)
	}
	return g
}

func (r *reader) number(name string) int64 {
	v := r.value(name)
	if v == "" {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n <= 0 {
		r.fault(name, "%q is not a positive number", v)
	}
	return n
}

// privateKey accepts \n for line breaks, which is how environment files often contain keys.
func (r *reader) privateKey() Secret {
	v := r.value("GITHUB_APP_PRIVATE_KEY")
	if v == "" {
		return Secret{}
	}
	v = strings.ReplaceAll(v, `\n`, "\n")
	if !strings.HasSuffix(v, "\n") {
		v += "\n"
	}
	if err := checkKey([]byte(v)); err != nil {
		r.fault("GITHUB_APP_PRIVATE_KEY", "%v; use the .pem file that GitHub generated, preferably with "+
			"GITHUB_APP_PRIVATE_KEY_FILE", err)
	}
	return NewSecret(v)
}

// checkKey accepts both formats of RSA keys: GitHub generates PKCS #1, and tools convert to PKCS
// #8.
func checkKey(data []byte) error {
	block, _ := pem.Decode(data)
	if block == nil {
		return errors.New("is not a PEM block")
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return nil
	}
	if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return nil
	}
	return errors.New("is not an RSA private key")
}

// people reads the lists of logins that grant roles. What they mean is decided in internal/rbac.
func (r *reader) people() rbac.Policy {
	return rbac.Policy{
		Admins:             r.logins("TFPILOT_ADMINS"),
		Approvers:          r.logins("TFPILOT_APPROVERS"),
		Viewers:            r.logins("TFPILOT_VIEWERS"),
		AllowedLogins:      r.logins("TFPILOT_ALLOWED_LOGINS"),
		ProdAllowed:        r.logins("TFPILOT_PROD_ALLOWED_USERS"),
		DestroyProdAllowed: r.logins("TFPILOT_DESTROY_PROD_ALLOWED_USERS"),
	}
}

// logins reads a comma-separated list. A list with an invalid login is a fault: a guess
// could grant or remove permissions.
func (r *reader) logins(name string) []string {
	value := r.value(name)
	var list []string
	for part := range strings.SplitSeq(value, ",") {
		login := strings.TrimSpace(part)
		switch {
		case login == "":
		case !lifecycle.NameLogin.Valid(login):
			r.fault(name, "%q is not a valid GitHub login; use logins separated by commas, without @", clip(login))
		default:
			list = append(list, login)
		}
	}
	switch {
	case len(list) > maxLogins:
		r.fault(name, "has more than %d logins", maxLogins)
	// An empty list of allowed logins allows everyone, so a value of blanks and commas must not
	// become one silently.
	case value != "" && len(list) == 0:
		r.fault(name, "is set but contains no login; add one or unset it")
	}
	return list
}

// clip bounds the text that a fault quotes.
func clip(s string) string {
	const most = 60
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
