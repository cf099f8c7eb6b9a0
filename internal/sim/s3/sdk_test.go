package s3

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestRoundTripKeepsBytesAndHeaders(t *testing.T) {
	c := client(newServer(t, Config{}), admin())
	body := bytes.Repeat([]byte("0123456789abcdef\r\n"), 9000)
	for _, algorithm := range append([]types.ChecksumAlgorithm{""}, types.ChecksumAlgorithmCrc32.Values()...) {
		if slices.Contains([]types.ChecksumAlgorithm{"MD5", "SHA512", "XXHASH64", "XXHASH3", "XXHASH128"}, algorithm) {
			continue // not one of the five that the S3 documentation lists for uploads by the SDK
		}
		key := "a b/ü+&=?#" + string(algorithm)
		_, err := c.PutObject(t.Context(), &awss3.PutObjectInput{
			Bucket: aws.String(testBucket), Key: &key, Body: bytes.NewReader(body), ChecksumAlgorithm: algorithm,
			ContentType: aws.String("text/x"), ContentEncoding: aws.String("identity"),
			Metadata: map[string]string{"who": "dana"},
		})
		if err != nil {
			t.Fatalf("put with %q: %v", algorithm, err)
		}
		out, err := c.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String(testBucket), Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(out.Body)
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%q: got %d bytes, %v", algorithm, len(got), err)
		}
		if aws.ToString(out.ContentType) != "text/x" || aws.ToString(out.ContentEncoding) != "identity" ||
			out.Metadata["who"] != "dana" {
			t.Errorf("headers: %v %v %v", out.ContentType, out.ContentEncoding, out.Metadata)
		}
	}
}

// A body in chunks is refused, as S3 refuses a form that it does not know: only TLS clients send one.
func TestBodyInChunksIsNotImplemented(t *testing.T) {
	_, err := client(newServer(t, Config{}), admin(), https).PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String(testBucket), Key: aws.String("a"), Body: strings.NewReader("x"),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	if code(err) != "NotImplemented" {
		t.Errorf("got %v", err)
	}
}

func TestUnseekableBodyOverTLS(t *testing.T) {
	c := client(newServer(t, Config{}), admin(), https)
	_, err := c.PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String(testBucket), Key: aws.String("k"),
		Body: io.MultiReader(strings.NewReader("ab"), strings.NewReader("c")), ContentLength: aws.Int64(3),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := get(t.Context(), c, "k"); got != "abc" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestConditionalWrites(t *testing.T) {
	c := client(newServer(t, Config{}), admin())
	etag := put(t, c, "there", "v1")
	for _, row := range []struct {
		name, key   string
		none, match string
		want        string
	}{
		{"create new", "new", "*", "", ""},
		{"create what is there", "there", "*", "", "PreconditionFailed"},
		{"stale", "there", "", `"0123"`, "PreconditionFailed"},
		{"match on missing", "gone", "", etag, "NoSuchKey"},
		{"none-match with etag", "there", etag, "", "NotImplemented"},
		{"both", "there", "*", etag, "NotImplemented"},
		{"match star", "there", "", "*", "NotImplemented"},
		{"unquoted", "there", "", strings.Trim(etag, `"`), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			in := &awss3.PutObjectInput{Bucket: aws.String(testBucket), Key: &row.key, Body: strings.NewReader("v2")}
			if row.none != "" {
				in.IfNoneMatch = &row.none
			}
			if row.match != "" {
				in.IfMatch = &row.match
			}
			_, err := c.PutObject(t.Context(), in)
			if got := code(err); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestConditionalDelete(t *testing.T) {
	c := client(newServer(t, Config{}), admin())
	etag := put(t, c, "k", "v")
	del := func(match *string) string {
		_, err := c.DeleteObject(t.Context(),
			&awss3.DeleteObjectInput{Bucket: aws.String(testBucket), Key: aws.String("k"), IfMatch: match})
		return code(err)
	}
	if got := del(aws.String(`"stale"`)); got != "PreconditionFailed" {
		t.Errorf("stale: %q", got)
	}
	if got := del(&etag); got != "" {
		t.Errorf("match: %q", got)
	}
	if got := del(&etag); got != "PreconditionFailed" {
		t.Errorf("match on missing: %q", got)
	}
	if got := del(nil); got != "" {
		t.Errorf("missing: %q", got)
	}
}

func TestConditionalReadAndRange(t *testing.T) {
	c := client(newServer(t, Config{}), admin())
	etag := put(t, c, "k", "0123456789")
	read := func(in awss3.GetObjectInput) string {
		in.Bucket, in.Key = aws.String(testBucket), aws.String("k")
		out, err := c.GetObject(t.Context(), &in)
		if err != nil {
			return code(err)
		}
		b, _ := io.ReadAll(out.Body)
		return string(b) + "|" + aws.ToString(out.ContentRange)
	}
	for _, row := range []struct {
		name, want string
		in         awss3.GetObjectInput
	}{
		{"not modified", "NotModified", awss3.GetObjectInput{IfNoneMatch: &etag}},
		{"modified", "0123456789|", awss3.GetObjectInput{IfNoneMatch: aws.String(`"x"`)}},
		{"if-match stale", "PreconditionFailed", awss3.GetObjectInput{IfMatch: aws.String(`"x"`)}},
		{"range", "234|bytes 2-4/10", awss3.GetObjectInput{Range: aws.String("bytes=2-4")}},
		{"open range", "89|bytes 8-9/10", awss3.GetObjectInput{Range: aws.String("bytes=8-")}},
		{"suffix", "789|bytes 7-9/10", awss3.GetObjectInput{Range: aws.String("bytes=-3")}},
		{"past the end is cut", "9|bytes 9-9/10", awss3.GetObjectInput{Range: aws.String("bytes=9-99")}},
		{"outside", "InvalidRange", awss3.GetObjectInput{Range: aws.String("bytes=10-")}},
		{"unreadable", "0123456789|", awss3.GetObjectInput{Range: aws.String("lines=1-2")}},
	} {
		if got := read(row.in); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}

func TestBucketCalls(t *testing.T) {
	c := client(newServer(t, Config{}), admin())
	head, err := c.HeadBucket(t.Context(), &awss3.HeadBucketInput{Bucket: aws.String(testBucket)})
	if err != nil || aws.ToString(head.BucketRegion) != defaultRegion {
		t.Fatalf("head bucket: %v %v", head, err)
	}
	_, err = c.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: aws.String(testBucket), Key: aws.String("none")})
	if code(err) != "NotFound" {
		t.Errorf("head of missing: %v", err)
	}
	_, err = c.GetObjectTagging(t.Context(),
		&awss3.GetObjectTaggingInput{Bucket: aws.String(testBucket), Key: aws.String("k")})
	if code(err) != "NotImplemented" {
		t.Errorf("tagging: %v", err)
	}
}
