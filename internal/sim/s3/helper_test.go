package s3

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
)

const testBucket = "things"

func admin() Principal {
	return Principal{Name: "admin", AccessKey: "AKADMIN", Secret: "s3cr3t",
		Allow: []Rule{{Actions: []string{"s3:*"}, Bucket: testBucket}}}
}

func newServer(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.Principals == nil {
		cfg.Principals = []Principal{admin()}
	}
	cfg.Buckets = append(cfg.Buckets, testBucket)
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func client(h http.Handler, p Principal, with ...func(*awss3.Options)) *awss3.Client {
	opts := awss3.Options{
		Region: defaultRegion, BaseEndpoint: aws.String("http://s3.sandbox"), UsePathStyle: true,
		Credentials:      credentials.NewStaticCredentialsProvider(p.AccessKey, p.Secret, p.SessionToken),
		HTTPClient:       &http.Client{Transport: inprocess.To(h)},
		RetryMaxAttempts: 1,
	}
	return awss3.New(opts, with...)
}

// https makes the SDK send the body in chunks with a trailer.
func https(o *awss3.Options) { o.BaseEndpoint = aws.String("https://s3.sandbox") }

func put(t *testing.T, c *awss3.Client, key, body string) string {
	t.Helper()
	out, err := c.PutObject(t.Context(),
		&awss3.PutObjectInput{Bucket: aws.String(testBucket), Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	return aws.ToString(out.ETag)
}

func get(ctx context.Context, c *awss3.Client, key string) (string, string, error) {
	out, err := c.GetObject(ctx, &awss3.GetObjectInput{Bucket: aws.String(testBucket), Key: &key})
	if err != nil {
		return "", "", err
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	return string(b), aws.ToString(out.ETag), err
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// timeoutClient gives up on a call after a while, as a client must.
type timeoutClient struct {
	http.RoundTripper
	after time.Duration
}

func (c *timeoutClient) Do(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), c.after)
	defer cancel()
	return c.RoundTrip(r.WithContext(ctx))
}
