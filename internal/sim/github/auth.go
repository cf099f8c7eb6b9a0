package github

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// principal is the caller of a request.
type principal struct {
	kind        string            // anonymous, app, installation, user, run
	login       string            // acting user; "tfpilot[bot]" for an installation
	permissions map[string]string // of a token; nil for a person, whose role decides
	repos       []string          // lower-case full names; empty: all
	runID       int64
}

// key names the principal in counters and limits.
func (p principal) key() string {
	if p.kind == "user" {
		return "user:" + p.login
	}
	return p.kind
}

// bot reports whether the token lacks the workflows permission: Apps and runs lack it here, people
// have it.
func (p principal) bot() bool { return p.kind == "installation" || p.kind == "run" }

const actionsBot = "github-actions[bot]"

// authenticate reads the Authorization header of REST or git.
func (s *Server) authenticate(r *http.Request) (principal, error) {
	scheme, cred, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	cred = strings.TrimSpace(cred)
	switch strings.ToLower(scheme) {
	case "":
		return principal{kind: "anonymous"}, nil
	case "bearer", "token":
		if strings.Count(cred, ".") == 2 {
			return s.appFromJWT(cred)
		}
		return s.fromToken(cred)
	case "basic":
		_, password, _ := r.BasicAuth()
		return s.fromToken(password)
	}
	return principal{}, errBadCredentials
}

func (s *Server) fromToken(token string) (principal, error) {
	for _, u := range s.cfg.Users {
		if token != "" && u.Token == token {
			return principal{kind: "user", login: u.Login}, nil
		}
	}
	t := s.state.Tokens[token]
	if t == nil || !time.Now().Before(t.ExpiresAt) {
		return principal{}, errBadCredentials
	}
	if t.Kind == "installation" && s.suspended {
		return principal{}, errSuspended
	}
	p := principal{kind: t.Kind, login: s.botLogin(), permissions: t.Permissions, repos: t.Repos, runID: t.RunID}
	if t.Kind == "run" {
		p.login = actionsBot
	}
	return p, nil
}

func (s *Server) botLogin() string { return s.cfg.App.Slug + "[bot]" }

// newToken creates a token and removes the expired ones.
func (s *Server) newToken(t *accessToken) string {
	now := time.Now()
	for k, v := range s.state.Tokens {
		if !now.Before(v.ExpiresAt) {
			delete(s.state.Tokens, k)
		}
	}
	token := "ghs_" + rand.Text() + rand.Text()[:10]
	s.state.Tokens[token] = t
	return token
}

type jwtClaims struct {
	Issuer    json.RawMessage `json:"iss"` // a number or a string
	IssuedAt  int64           `json:"iat"`
	ExpiresAt int64           `json:"exp"`
}

// maxJWTLife is GitHub's limit for the life of an App's token; maxSkew is how far the App's clock may
// be ahead.
const (
	maxJWTLife = 10 * time.Minute
	maxSkew    = time.Minute
)

func (s *Server) appFromJWT(token string) (principal, error) {
	claims, err := s.verifyJWT(token)
	if err != nil {
		return principal{}, err
	}
	now := s.now()
	exp, iat := time.Unix(claims.ExpiresAt, 0), time.Unix(claims.IssuedAt, 0)
	switch {
	case claims.ExpiresAt == 0 || !exp.After(now):
		return principal{}, fail(http.StatusUnauthorized,
			"'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires")
	case exp.After(now.Add(maxJWTLife + maxSkew)):
		return principal{}, fail(http.StatusUnauthorized, "'Expiration time' claim ('exp') is too far in the future")
	case claims.IssuedAt == 0 || iat.After(now.Add(maxSkew)):
		return principal{}, fail(http.StatusUnauthorized,
			"'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
	}
	return principal{kind: "app", login: s.botLogin()}, nil
}

// verifyJWT checks only the signature, with the App's public key.
func (s *Server) verifyJWT(token string) (jwtClaims, error) {
	var claims jwtClaims
	var header struct {
		Alg string `json:"alg"`
	}
	undecodable := fail(http.StatusUnauthorized, "A JSON web token could not be decoded")
	parts := strings.Split(token, ".")
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || decodePart(parts[0], &header) != nil || decodePart(parts[1], &claims) != nil ||
		header.Alg != "RS256" {
		return claims, undecodable
	}
	if strings.Trim(string(claims.Issuer), `"`) != strconv.FormatInt(s.cfg.App.ID, 10) {
		return claims, fail(http.StatusNotFound, "Integration not found")
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if s.cfg.App.PublicKey == nil || rsa.VerifyPKCS1v15(s.cfg.App.PublicKey, crypto.SHA256, sum[:], sig) != nil {
		return claims, undecodable
	}
	return claims, nil
}

func decodePart(part string, v any) error {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// allows reports whether the principal has a permission on a repository. A person's role includes every
// permission of its level.
func (s *Server) allows(p principal, r *repository, scope, level string) bool {
	if scope == "review" || scope == "comment" { // read access is enough for these
		if p.kind == "user" {
			return true
		}
		scope = "pull_requests"
	}
	if scope == "variables" {
		level = "write" // only a person with write access can read them
	}
	switch p.kind {
	case "user":
		return level == "read" || s.role(r, p.login) != "read"
	case "installation", "run":
		return p.reaches(r) && (p.permissions[scope] == "write" ||
			level == "read" && (p.permissions[scope] == "read" || scope == "metadata"))
	}
	return level == "read" && p.kind == "anonymous"
}

// reaches reports whether a token covers this repository. If not, GitHub answers that the repository
// does not exist.
func (p principal) reaches(r *repository) bool {
	if p.kind == "installation" && r.Config.Outside {
		return false
	}
	for _, name := range p.repos {
		if strings.EqualFold(name, r.full()) {
			return true
		}
	}
	return len(p.repos) == 0
}

// role is admin, write or read.
func (s *Server) role(r *repository, login string) string {
	for name, role := range r.Config.Roles {
		if strings.EqualFold(name, login) {
			return role
		}
	}
	return "read"
}

// refuse returns the error with which GitHub answers a principal that lacks a permission.
func refuse(p principal, scope string) error {
	switch {
	case p.kind == "anonymous":
		return fail(http.StatusUnauthorized, "Requires authentication")
	case p.bot() || p.kind == "app":
		return &apiError{status: http.StatusForbidden, message: "Resource not accessible by integration"}
	case scope == "actions" || scope == "variables":
		return fail(http.StatusForbidden, "Must have admin rights to Repository.")
	}
	return errNotFound
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
