package aws

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
)

func start(t *testing.T, dir string) (*Server, *Client) {
	t.Helper()
	s, err := New(Config{Token: "token", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s, &Client{URL: "http://cloud.sandbox", Token: "token", HTTP: &http.Client{Transport: inprocess.To(s)}}
}

func codeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestObjectLifecycle(t *testing.T) {
	dir := t.TempDir()
	s, c := start(t, dir)
	ctx := t.Context()
	if _, err := c.Create(ctx, logGroupType, "/aws/x y?&", map[string]any{"retention_in_days": 30}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Update(ctx, logGroupType, "/aws/x y?&", map[string]any{"retention_in_days": 60}); err != nil {
		t.Fatal(err)
	}
	if err := s.Change(logGroupType, "/aws/x y?&", map[string]any{"kms_key_id": "k"}); err != nil {
		t.Fatal(err)
	}
	_, again := start(t, dir)
	obj, err := again.Read(ctx, logGroupType, "/aws/x y?&")
	if err != nil || obj.Attributes["kms_key_id"] != "k" {
		t.Fatalf("after restart: %+v, %v", obj, err)
	}
	if err := c.Delete(ctx, logGroupType, "/aws/x y?&"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(ctx, logGroupType, "/aws/x y?&"); !NotFound(err) {
		t.Errorf("after delete: %v", err)
	}
}

func TestRulesOfAWS(t *testing.T) {
	_, c := start(t, "")
	ctx := t.Context()
	create := func(typ, id string, attributes map[string]any) string {
		_, err := c.Create(ctx, typ, id, attributes)
		return codeOf(err)
	}
	for _, row := range []struct {
		what, typ, id string
		attributes    map[string]any
		want          string
	}{
		{"a bucket", bucketType, "acme-artifacts", nil, ""},
		{"the same bucket", bucketType, "acme-artifacts", nil, "BucketAlreadyOwnedByYou"},
		{"a bucket of another account", bucketType, "test", nil, "BucketAlreadyExists"},
		{"capitals", bucketType, "Acme", nil, "InvalidBucketName"},
		{"an address", bucketType, "10.0.0.1", nil, "InvalidBucketName"},
		{"a part of a bucket", "aws_s3_bucket_versioning", "acme-artifacts", map[string]any{"bucket": "acme-artifacts"}, ""},
		{"the same part, which replaces", "aws_s3_bucket_versioning", "acme-artifacts",
			map[string]any{"bucket": "acme-artifacts"}, ""},
		{"a part of no bucket", "aws_s3_bucket_policy", "none", map[string]any{"bucket": "none"}, "NoSuchBucket"},
		{"a log group", logGroupType, "/app", nil, ""},
		{"the same log group", logGroupType, "/app", nil, "ResourceAlreadyExistsException"},
		{"a role", roleType, "runner", nil, ""},
		{"the same role", roleType, "runner", nil, "EntityAlreadyExists"},
		{"a policy of a role", attachmentType, "runner/p", map[string]any{"role": "runner"}, ""},
		{"a policy of no role", attachmentType, "x/p", map[string]any{"role": "x"}, "NoSuchEntity"},
		{"a repository", repositoryType, "team/app", nil, ""},
		{"the same repository", repositoryType, "team/app", nil, "RepositoryAlreadyExistsException"},
		{"what is not simulated", "aws_rds_cluster", "x", nil, "InvalidAction"},
	} {
		attributes := row.attributes
		if attributes == nil {
			attributes = map[string]any{}
		}
		if got := create(row.typ, row.id, attributes); got != row.want {
			t.Errorf("%s: got %q, want %q", row.what, got, row.want)
		}
	}
}

func TestDeletesThatAWSRefuses(t *testing.T) {
	for _, row := range []struct {
		name, typ string
		with      map[string]any
		contents  int
		want      string
	}{
		{"empty bucket", bucketType, nil, 0, ""},
		{"full bucket", bucketType, nil, 3, "BucketNotEmpty"},
		{"full bucket by force", bucketType, map[string]any{"force_destroy": true}, 3, ""},
		{"full repository", repositoryType, nil, 1, "RepositoryNotEmptyException"},
		{"protected instance", instanceType, map[string]any{"disable_api_termination": true}, 0, "OperationNotPermitted"},
		{"instance", instanceType, nil, 0, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, c := start(t, "")
			with := row.with
			if with == nil {
				with = map[string]any{}
			}
			if _, err := c.Create(t.Context(), row.typ, "thing-1", with); err != nil {
				t.Fatal(err)
			}
			if err := s.Fill(row.typ, "thing-1", row.contents); err != nil {
				t.Fatal(err)
			}
			if got := codeOf(c.Delete(t.Context(), row.typ, "thing-1")); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestPartsAreDeletedWithTheirOwner(t *testing.T) {
	s, c := start(t, "")
	ctx := t.Context()
	_, _ = c.Create(ctx, roleType, "r", map[string]any{})
	_, _ = c.Create(ctx, attachmentType, "r/p", map[string]any{"role": "r"})
	if got := codeOf(c.Delete(ctx, roleType, "r")); got != "DeleteConflict" {
		t.Errorf("role with policies: %q", got)
	}
	_, _ = c.Create(ctx, bucketType, "bkt-1", map[string]any{})
	_, _ = c.Create(ctx, "aws_s3_bucket_policy", "bkt-1", map[string]any{"bucket": "bkt-1"})
	if err := c.Delete(ctx, bucketType, "bkt-1"); err != nil {
		t.Fatal(err)
	}
	if left := s.Objects("aws_s3_bucket_policy"); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestFaults(t *testing.T) {
	s, c := start(t, "")
	ctx := t.Context()
	if err := s.Inject(Fault{Op: OpCreate, Type: "aws_s3_*", ID: "acme-*", Count: 1, Code: "AccessDenied"}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Create(ctx, bucketType, "other-1", map[string]any{})
	if err != nil {
		t.Errorf("another name: %v", err)
	}
	_, err = c.Create(ctx, bucketType, "acme-1", map[string]any{})
	if codeOf(err) != "AccessDenied" || !strings.Contains(err.Error(), "not authorized") {
		t.Errorf("got %v", err)
	}
	if _, err = c.Create(ctx, bucketType, "acme-1", map[string]any{}); err != nil {
		t.Errorf("after the last fault: %v", err)
	}
	for _, bad := range []Fault{{Type: "[", Code: "x"}, {Type: "x"}} {
		if s.Inject(bad) == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

func TestSlowAnswersInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := start(t, "")
		_ = s.Inject(Fault{Delay: 40 * time.Second})
		begin := time.Now()
		if _, err := c.Create(t.Context(), roleType, "r", map[string]any{}); err != nil ||
			time.Since(begin) != 40*time.Second {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
		go func() { time.Sleep(5 * time.Second); s.ClearFaults(); _ = s.Inject(Fault{Delay: 40 * time.Second}) }()
		begin = time.Now()
		if _, err := c.Create(t.Context(), roleType, "cleared", map[string]any{}); err != nil ||
			time.Since(begin) != 5*time.Second {
			t.Errorf("cleared, after %s: %v", time.Since(begin), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Create(ctx, roleType, "late", map[string]any{}); err == nil {
			t.Error("an abandoned call succeeded")
		}
		if _, done := s.Object(roleType, "late"); done {
			t.Error("an abandoned call took effect")
		}
	})
}

func TestTokenIsRequired(t *testing.T) {
	s, c := start(t, "")
	c.Token = "wrong"
	if _, err := c.Create(t.Context(), roleType, "r", map[string]any{}); codeOf(err) != "UnrecognizedClientException" {
		t.Errorf("got %v", err)
	}
	if len(s.Objects("")) != 0 {
		t.Error("an object was created without the token")
	}
	if _, err := New(Config{}); err == nil {
		t.Error("an account without token was opened")
	}
}
