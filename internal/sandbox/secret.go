package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tfpilot/tfpilot/internal/sim/s3"
)

// secrets are generated once for a data directory and saved there, so that the next start can use what
// is stored.
type secrets struct {
	SlackBot      string                  `json:"slackBot"`
	SlackApp      string                  `json:"slackApp"`
	Webhook       string                  `json:"webhook"`
	PrivateKey    string                  `json:"privateKey"`
	GitHubTokens  map[string]string       `json:"githubTokens"`
	Principals    map[string]s3Credential `json:"principals"`
	CloudToken    string                  `json:"cloudToken"`
	ModelKey      string                  `json:"modelKey"`
	RedisPassword string                  `json:"redisPassword"`
}

type s3Credential struct {
	AccessKey string `json:"accessKey"`
	Secret    string `json:"secret"`
}

func loadSecrets(path string, principals []s3.Principal) (secrets, error) {
	var sec secrets
	data, err := os.ReadFile(path)
	switch {
	case err == nil:
		if err := json.Unmarshal(data, &sec); err != nil {
			return sec, fmt.Errorf("read %s: %w (delete the data directory to start again)", path, err)
		}
		if !sec.complete(principals) {
			return sec, nil
		}
		return sec, sec.save(path)
	case !errors.Is(err, fs.ErrNotExist):
		return sec, fmt.Errorf("read secrets: %w", err)
	}
	if sec, err = drawSecrets(principals); err != nil {
		return sec, err
	}
	return sec, sec.save(path)
}

func (sec secrets) save(path string) error {
	data, err := json.Marshal(sec)
	if err != nil {
		return fmt.Errorf("write secrets: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write secrets: %w", err)
	}
	return os.WriteFile(path, data, 0o600)
}

// complete generates the secrets that a data directory of an earlier version lacks. An empty secret
// would let anyone in.
func (sec *secrets) complete(principals []s3.Principal) (changed bool) {
	for _, one := range []struct {
		secret *string
		drawn  func() string
	}{
		{&sec.SlackBot, func() string { return "xoxb-" + draw(16) }},
		{&sec.SlackApp, func() string { return "xapp-1-" + draw(16) }},
		{&sec.Webhook, func() string { return draw(32) }},
		{&sec.CloudToken, func() string { return draw(16) }},
		{&sec.ModelKey, func() string { return "sk-" + draw(24) }},
		{&sec.RedisPassword, func() string { return draw(16) }},
	} {
		if *one.secret == "" {
			*one.secret, changed = one.drawn(), true
		}
	}
	if sec.GitHubTokens == nil {
		sec.GitHubTokens = map[string]string{}
	}
	if sec.Principals == nil {
		sec.Principals = map[string]s3Credential{}
	}
	for _, p := range People {
		if sec.GitHubTokens[p.Login] == "" {
			sec.GitHubTokens[p.Login], changed = "ghp_"+draw(18), true
		}
	}
	for _, p := range principals {
		if c := sec.Principals[p.Name]; c.AccessKey == "" || c.Secret == "" {
			sec.Principals[p.Name], changed = s3Credential{AccessKey: p.Name, Secret: draw(20)}, true
		}
	}
	return changed
}

func drawSecrets(principals []s3.Principal) (secrets, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return secrets{}, fmt.Errorf("draw the App's key: %w", err)
	}
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	sec := secrets{PrivateKey: string(pemKey)}
	sec.complete(principals)
	return sec, nil
}

func draw(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return hex.EncodeToString(b)
}

func (sec secrets) key() (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(sec.PrivateKey))
	if block == nil {
		return nil, errors.New("the App's key in the data directory is damaged; delete the directory to start again")
	}
	return x509.ParsePKCS1PrivateKey(block.Bytes)
}

// principals fills in the generated keys.
func (sec secrets) principals(all []s3.Principal) []s3.Principal {
	filled := slices.Clone(all)
	for i, p := range filled {
		filled[i].AccessKey, filled[i].Secret = sec.Principals[p.Name].AccessKey, sec.Principals[p.Name].Secret
	}
	return filled
}
