package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// signedPut returns a correctly signed request, signed by the SDK's own signer.
func signedPut(t *testing.T, p Principal, at time.Time, body string, header map[string]string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPut, "http://s3.sandbox/"+testBucket+"/k%20k", strings.NewReader(body))
	sum := sha256.Sum256([]byte(body))
	r.Header.Set("x-amz-content-sha256", hex.EncodeToString(sum[:]))
	for k, v := range header {
		r.Header.Set(k, v)
	}
	creds := aws.Credentials{AccessKeyID: p.AccessKey, SecretAccessKey: p.Secret, SessionToken: p.SessionToken}
	err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).
		SignHTTP(t.Context(), creds, r, r.Header.Get("x-amz-content-sha256"), "s3", defaultRegion, at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSignatures(t *testing.T) {
	other := admin()
	other.Secret = "wrong"
	unknown := admin()
	unknown.AccessKey = "AKNOBODY"
	withToken := admin()
	withToken.SessionToken = "unasked"
	for _, row := range []struct {
		name   string
		p      Principal
		shift  time.Duration
		header map[string]string
		change func(*http.Request)
		status int
		code   string
	}{
		{name: "good", p: admin(), status: 200},
		{name: "unsigned payload", p: admin(), header: map[string]string{"x-amz-content-sha256": unsignedPayload},
			status: 200},
		{name: "14 minutes late", p: admin(), shift: -14 * time.Minute, status: 200},
		{name: "16 minutes late", p: admin(), shift: -16 * time.Minute, status: 403, code: "RequestTimeTooSkewed"},
		{name: "16 minutes early", p: admin(), shift: 16 * time.Minute, status: 403, code: "RequestTimeTooSkewed"},
		{name: "wrong secret", p: other, status: 403, code: "SignatureDoesNotMatch"},
		{name: "unknown key", p: unknown, status: 403, code: "InvalidAccessKeyId"},
		{name: "unknown token", p: withToken, status: 400, code: "InvalidToken"},
		{name: "anonymous", p: admin(), change: func(r *http.Request) {
			r.Header.Del("Authorization")
		}, status: 403, code: "AccessDenied"},
		{name: "other key", p: admin(), change: func(r *http.Request) {
			r.URL.Path += "x"
		}, status: 403, code: "SignatureDoesNotMatch"},
		{name: "other method", p: admin(), change: func(r *http.Request) {
			r.Method = http.MethodDelete
		}, status: 403, code: "SignatureDoesNotMatch"},
		{name: "other host", p: admin(), change: func(r *http.Request) {
			r.Host = "elsewhere"
		}, status: 403, code: "SignatureDoesNotMatch"},
		{name: "added condition", p: admin(), change: func(r *http.Request) {
			r.Header.Set("If-Match", "x")
		}, status: 403, code: "SignatureDoesNotMatch"},
		{name: "added x-amz header", p: admin(), change: func(r *http.Request) {
			r.Header.Set("x-amz-meta-a", "x")
		}, status: 403, code: "SignatureDoesNotMatch"},
		{name: "other body", p: admin(), change: func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader("evil"))
		}, status: 400, code: "XAmzContentSHA256Mismatch"},
		{name: "other region", p: admin(), change: func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), defaultRegion, "us-east-1", 1))
		}, status: 400, code: "AuthorizationHeaderMalformed"},
		{name: "garbage", p: admin(), change: func(r *http.Request) {
			r.Header.Set("Authorization", signAlgorithm+" ,,=,Credential=a/b")
		}, status: 400, code: "AuthorizationHeaderMalformed"},
		{name: "wrong checksum", p: admin(), header: map[string]string{"x-amz-checksum-crc32": "AAAAAA=="}, status: 400,
			code: "BadDigest"},
		{name: "wrong md5", p: admin(), header: map[string]string{"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, status: 400,
			code: "BadDigest"},
		{name: "nonsense md5", p: admin(), header: map[string]string{"Content-MD5": "?"}, status: 400, code: "InvalidDigest"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newServer(t, Config{})
			r := signedPut(t, row.p, time.Now().Add(row.shift), "body", row.header)
			if row.change != nil {
				row.change(r)
			}
			rec := httptest.NewRecorder()
			s.ServeHTTP(rec, r)
			if rec.Code != row.status || !strings.Contains(rec.Body.String(), row.code) {
				t.Errorf("got %d %s, want %d %s", rec.Code, rec.Body, row.status, row.code)
			}
			if left := len(s.Keys(testBucket, "")); (left == 1) != (row.status == 200) {
				t.Errorf("%d objects stored", left)
			}
			if row.status != 200 && !strings.Contains(rec.Body.String(), "<RequestId>") {
				t.Errorf("no request id in %s", rec.Body)
			}
		})
	}
}

func TestSessionTokenIsRequiredWhenSet(t *testing.T) {
	p := admin()
	p.SessionToken = "token"
	s := newServer(t, Config{Principals: []Principal{p}})
	put(t, client(s, p), "k", "v")
	p.SessionToken = ""
	if _, _, err := get(t.Context(), client(s, p), "k"); code(err) != "InvalidToken" {
		t.Errorf("without token: %v", err)
	}
}

func TestPrincipalsAreLimitedToTheirRules(t *testing.T) {
	run := Principal{Name: "run", AccessKey: "AKRUN", Secret: "x", Allow: []Rule{
		{Actions: []string{"s3:GetObject"}, Bucket: testBucket, Prefixes: []string{"grants/", "claims/"}},
		{Actions: []string{"s3:PutObject"}, Bucket: testBucket, Prefixes: []string{"claims/"}, Conditional: true},
		{Actions: []string{"s3:ListBucket"}, Bucket: testBucket, Prefixes: []string{"claims/"}},
	}}
	s := newServer(t, Config{Principals: []Principal{admin(), run}})
	put(t, client(s, admin()), "grants/1", "g")
	c := client(s, run)
	read := func(key string) string { _, _, err := get(t.Context(), c, key); return code(err) }
	write := func(key string, none *string) string {
		_, err := c.PutObject(t.Context(),
			&awss3.PutObjectInput{Bucket: aws.String(testBucket), Key: &key, Body: strings.NewReader("x"), IfNoneMatch: none})
		return code(err)
	}
	list := func(prefix string) string {
		_, err := c.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String(testBucket), Prefix: &prefix})
		return code(err)
	}
	star := aws.String("*")
	for _, row := range []struct{ what, got, want string }{
		{"read a grant", read("grants/1"), ""},
		{"read a missing grant, which it may not list", read("grants/2"), "AccessDenied"},
		{"read a missing claim, which it may list", read("claims/2"), "NoSuchKey"},
		{"read elsewhere", read("requests/1"), "AccessDenied"},
		{"write a grant", write("grants/2", star), "AccessDenied"},
		{"claim", write("claims/1", star), ""},
		{"claim without condition", write("claims/3", nil), "AccessDenied"},
		{"list claims", list("claims/"), ""},
		{"list everything", list(""), "AccessDenied"},
	} {
		if row.got != row.want {
			t.Errorf("%s: got %q, want %q", row.what, row.got, row.want)
		}
	}
}
