package s3

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	signAlgorithm = "AWS4-HMAC-SHA256"
	dateForm      = "20060102T150405Z"
	maxSkew       = 15 * time.Minute
)

// credential is the parsed Authorization header.
type credential struct {
	accessKey, date, region string
	signed                  []string
	signature               string
}

// authenticate checks Signature Version 4 in the Authorization header. Signatures in the query
// (presigned URLs) are not simulated.
func (s *Server) authenticate(c *call) error {
	header := c.req.Header.Get("Authorization")
	if header == "" {
		return errAccessDenied
	}
	cred, err := s.parseCredential(header)
	if err != nil {
		return err
	}
	p, ok := s.byKey[cred.accessKey]
	if !ok {
		return errInvalidAccessKey
	}
	if err := checkSession(c.req, p); err != nil {
		return err
	}
	at, err := signingTime(c.req, cred)
	if err != nil {
		return err
	}
	if err := checkSigned(c.req, cred.signed); err != nil {
		return err
	}
	want := sign(p.Secret, cred, at, canonicalRequest(c.req, cred.signed))
	if !hmac.Equal([]byte(want), []byte(cred.signature)) {
		return errSignature
	}
	c.principal, c.cred = p, cred
	return nil
}

func (s *Server) parseCredential(header string) (credential, error) {
	rest, ok := strings.CutPrefix(header, signAlgorithm+" ")
	if !ok {
		return credential{}, errAuthHeader
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[k] = v
	}
	scope := strings.Split(fields["Credential"], "/")
	if len(scope) != 5 || scope[3] != "s3" || scope[4] != "aws4_request" || fields["SignedHeaders"] == "" {
		return credential{}, errAuthHeader
	}
	if scope[2] != s.region {
		return credential{}, &apiError{http.StatusBadRequest, errAuthHeader.code,
			"The authorization header is malformed; the region '" + scope[2] + "' is wrong; expecting '" + s.region + "'"}
	}
	return credential{
		accessKey: scope[0], date: scope[1], region: scope[2],
		signed:    strings.Split(fields["SignedHeaders"], ";"),
		signature: fields["Signature"],
	}, nil
}

func checkSession(r *http.Request, p Principal) error {
	token := r.Header.Get("x-amz-security-token")
	if !hmac.Equal([]byte(token), []byte(p.SessionToken)) {
		return errInvalidToken
	}
	return nil
}

func signingTime(r *http.Request, cred credential) (time.Time, error) {
	at, err := time.Parse(dateForm, r.Header.Get("x-amz-date"))
	if err != nil {
		return at, errAccessDenied
	}
	if at.Format("20060102") != cred.date {
		return at, errAuthHeader
	}
	if d := time.Since(at); d > maxSkew || d < -maxSkew {
		return at, errSkewed
	}
	return at, nil
}

// checkSigned refuses a request whose signature leaves out the host or an x-amz- header, as S3 does.
// It also refuses an unsigned If-Match: without a signature, an attacker on the network could turn a
// conditional write into a plain one.
func checkSigned(r *http.Request, signed []string) error {
	if !slices.Contains(signed, "host") {
		return errSignature
	}
	for name := range r.Header {
		lower := strings.ToLower(name)
		must := strings.HasPrefix(lower, "x-amz-") || lower == "if-match" || lower == "if-none-match"
		if must && lower != "x-amzn-trace-id" && !slices.Contains(signed, lower) {
			return errSignature
		}
	}
	return nil
}

func canonicalRequest(r *http.Request, signed []string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + escape(r.URL.Path, true) + "\n" + canonicalQuery(r.URL) + "\n")
	for _, name := range signed {
		b.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(signed, ";") + "\n" + r.Header.Get("x-amz-content-sha256"))
	return b.String()
}

// headerValue also finds the headers that net/http stores outside the header map.
func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return orDefault(r.Host, r.URL.Host)
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	values := make([]string, 0, 1)
	for _, v := range r.Header.Values(name) {
		values = append(values, strings.Join(strings.Fields(v), " "))
	}
	return strings.Join(values, ",")
}

func canonicalQuery(u *url.URL) string {
	var pairs []string
	for k, values := range u.Query() {
		for _, v := range values {
			pairs = append(pairs, escape(k, false)+"="+escape(v, false))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// escape is the URI encoding of Signature Version 4.
func escape(s string, keepSlash bool) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		ch := s[i]
		switch {
		case 'a' <= ch && ch <= 'z', 'A' <= ch && ch <= 'Z', '0' <= ch && ch <= '9',
			ch == '-', ch == '_', ch == '.', ch == '~', ch == '/' && keepSlash:
			b.WriteByte(ch)
		default:
			b.Write([]byte{'%', hexDigits[ch>>4], hexDigits[ch&15]})
		}
	}
	return b.String()
}

func sign(secret string, cred credential, at time.Time, canonical string) string {
	hash := sha256.Sum256([]byte(canonical))
	text := signAlgorithm + "\n" + at.Format(dateForm) + "\n" + cred.scope() + "\n" + hex.EncodeToString(hash[:])
	return hex.EncodeToString(mac(cred.key(secret), text))
}

func (cred credential) scope() string {
	return cred.date + "/" + cred.region + "/s3/aws4_request"
}

func (cred credential) key(secret string) []byte {
	return mac(mac(mac(mac([]byte("AWS4"+secret), cred.date), cred.region), "s3"), "aws4_request")
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
