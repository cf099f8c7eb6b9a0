package demo

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// reader is an S3 principal that can only read.
const reader = "human"

// read gets an object.
func (j *journey) read(ctx context.Context, bucket, key string) (string, error) {
	data, err := j.storage(ctx, "/"+bucket+"/"+key, nil)
	return string(data), err
}

// keys lists the first keys with a prefix.
func (j *journey) keys(ctx context.Context, bucket, prefix string) ([]string, error) {
	data, err := j.storage(ctx, "/"+bucket, url.Values{"list-type": {"2"}, "prefix": {prefix}})
	if err != nil {
		return nil, err
	}
	var out struct {
		Contents []struct{ Key string }
	}
	if err := xml.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("read the list of %s: %w", bucket, err)
	}
	var keys []string
	for _, c := range out.Contents {
		keys = append(keys, c.Key)
	}
	return keys, nil
}

// storage makes a signed request to S3.
func (j *journey) storage(ctx context.Context, path string, params url.Values) ([]byte, error) {
	u, err := url.Parse(j.access.S3)
	if err != nil {
		return nil, fmt.Errorf("address of S3: %w", err)
	}
	u.Path, u.RawQuery = path, params.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	for _, k := range j.access.Keys {
		if k.Principal == reader {
			sign(r, k.AccessKeyID, k.SecretAccessKey, j.access.Env["AWS_REGION"], time.Now().UTC())
		}
	}
	return j.send(r)
}

// sign is AWS Signature Version 4 of a request without a body.
func sign(r *http.Request, key, secret, region string, at time.Time) {
	stamp, day := at.Format("20060102T150405Z"), at.Format("20060102")
	empty := hash("")
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Set("X-Amz-Content-Sha256", empty)
	const signed = "host;x-amz-content-sha256;x-amz-date"
	canonical := strings.Join([]string{
		r.Method, r.URL.EscapedPath(), strings.ReplaceAll(r.URL.RawQuery, "+", "%20"),
		"host:" + r.URL.Host, "x-amz-content-sha256:" + empty, "x-amz-date:" + stamp, "", signed, empty,
	}, "\n")
	scope := day + "/" + region + "/s3/aws4_request"
	text := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hash(canonical)}, "\n")
	k := []byte("AWS4" + secret)
	for _, part := range []string{day, region, "s3", "aws4_request", text} {
		h := hmac.New(sha256.New, k)
		h.Write([]byte(part))
		k = h.Sum(nil)
	}
	r.Header.Set("Authorization",
		fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", key, scope, signed,
			hex.EncodeToString(k)))
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// file reads a file of main on GitHub.
func (j *journey) file(ctx context.Context, p *person, repo, path string) (string, error) {
	var out struct{ Content string }
	if err := p.reads(ctx, "/repos/"+repo+"/contents/"+path, &out); err != nil {
		return "", err
	}
	data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(out.Content, "\n", ""))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return string(data), nil
}

// setting returns the text that a Terraform file assigns to a name.
func setting(file, name string) string {
	m := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(name) + `\s*=\s*"([^"]*)"`).FindStringSubmatch(file)
	if m == nil {
		return ""
	}
	return m[1]
}
