package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Outcomes of one call that the loops above it tell apart.
var (
	errRefused = errors.New("precondition refused") // 412: someone else was there, or an earlier try of our own
	errBusy    = errors.New("conflicting operation under way")
	errUnknown = errors.New("outcome unknown") // the call may have taken effect
)

// object is one stored object.
type object struct {
	data []byte
	etag string
}

// get reads an object of at most limit bytes.
func (s *Store) get(ctx context.Context, key string, limit int64) (object, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return object{}, fmt.Errorf("get %s: %w", key, classify(err))
	}
	defer out.Body.Close()
	data, err := io.ReadAll(io.LimitReader(out.Body, limit+1))
	if err != nil {
		return object{}, fmt.Errorf("get %s: read body: %w: %w", key, errUnknown, err)
	}
	if int64(len(data)) > limit {
		return object{}, fmt.Errorf("get %s: more than %d bytes: %w", key, limit, ErrTooLarge)
	}
	return object{data: data, etag: aws.ToString(out.ETag)}, nil
}

// create writes an object that must not exist.
func (s *Store) create(ctx context.Context, key string, data []byte) (string, error) {
	return s.put(ctx, &s3.PutObjectInput{Key: &key, IfNoneMatch: aws.String("*")}, data)
}

// replace writes an object that must still have the ETag.
func (s *Store) replace(ctx context.Context, key, etag string, data []byte) (string, error) {
	if etag == "" {
		return "", fmt.Errorf("put %s: no ETag to compare: %w", key, errRefused)
	}
	return s.put(ctx, &s3.PutObjectInput{Key: &key, IfMatch: &etag}, data)
}

// put makes one try and no more. There is no unconditional write in this package.
func (s *Store) put(ctx context.Context, in *s3.PutObjectInput, data []byte) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	in.Bucket = &s.bucket
	in.Body = bytes.NewReader(data)
	in.ContentLength = aws.Int64(int64(len(data)))
	in.ContentType = aws.String(contentType(*in.Key))
	out, err := s.client.PutObject(ctx, in, noRetries)
	if err != nil {
		return "", fmt.Errorf("put %s: %w", *in.Key, classify(err))
	}
	return aws.ToString(out.ETag), nil
}

// remove deletes an object; with an ETag only if it still has that one. An object
// that is gone is a success.
func (s *Store) remove(ctx context.Context, key, etag string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	in := &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key}
	if etag != "" {
		in.IfMatch = &etag
	}
	_, err := s.client.DeleteObject(ctx, in, noRetries)
	if err = classify(err); err == nil || errors.Is(err, ErrNotFound) {
		return nil
	}
	return fmt.Errorf("delete %s: %w", key, err)
}

// listed is one line of a listing.
type listed struct {
	key      string
	etag     string
	modified time.Time
}

// list pages through the keys of a prefix, each page with its own timeout.
func (s *Store) list(ctx context.Context, prefix string) iter.Seq2[listed, error] {
	return func(yield func(listed, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix}
		for {
			page, err := s.listPage(ctx, in)
			if err != nil {
				yield(listed{}, fmt.Errorf("list %s: %w", prefix, err))
				return
			}
			for _, o := range page.Contents {
				if !yield(listed{aws.ToString(o.Key), aws.ToString(o.ETag), aws.ToTime(o.LastModified)}, nil) {
					return
				}
			}
			if !aws.ToBool(page.IsTruncated) || page.NextContinuationToken == nil {
				return
			}
			in.ContinuationToken = page.NextContinuationToken
		}
	}
}

func (s *Store) listPage(ctx context.Context, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	page, err := s.client.ListObjectsV2(ctx, in)
	return page, classify(err)
}

// classify puts a name on what S3 answered. What has no answer, or an answer that
// says nothing about the effect, is errUnknown.
func classify(err error) error {
	if err == nil {
		return nil
	}
	var answer interface{ HTTPStatusCode() int }
	if !errors.As(err, &answer) {
		return fmt.Errorf("%w: %w", errUnknown, err)
	}
	code := errorCode(err)
	switch status := answer.HTTPStatusCode(); {
	case code == "NoSuchBucket":
		return fmt.Errorf("the bucket does not exist: %w", err)
	case status == http.StatusNotFound:
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case status == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %w", errRefused, err)
	case status == http.StatusConflict:
		return fmt.Errorf("%w: %w", errBusy, err)
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return fmt.Errorf("%w: %w", ErrDenied, err)
	case status == http.StatusTooManyRequests || code == "RequestTimeout":
		return fmt.Errorf("%w: %w", errUnknown, err)
	case status >= 400 && status < 500 || status == http.StatusNotImplemented:
		return err
	default:
		return fmt.Errorf("%w: %w", errUnknown, err)
	}
}

func errorCode(err error) string {
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) {
		return coded.ErrorCode()
	}
	return ""
}

// mayRepeat reports whether a failed write leaves the loop something to find out.
func mayRepeat(err error) bool {
	return errors.Is(err, errRefused) || errors.Is(err, errBusy) || errors.Is(err, errUnknown) ||
		errors.Is(err, ErrNotFound)
}

func contentType(key string) string {
	if len(key) > 4 && key[len(key)-4:] == ".txt" {
		return "text/plain; charset=utf-8"
	}
	return "application/json"
}
