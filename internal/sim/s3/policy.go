package s3

import (
	"slices"
	"strings"
)

// Rule allows actions ("s3:GetObject", …, or actAll) on the keys of one bucket that have one of the
// prefixes. Without a prefix it allows every key.
type Rule struct {
	Actions  []string
	Bucket   string
	Prefixes []string
	// Conditional allows PutObject only with If-None-Match or If-Match, as a
	// bucket policy with the condition keys s3:if-none-match and s3:if-match does.
	Conditional bool
	// CreateOnly allows PutObject only with If-None-Match: it never overwrites.
	CreateOnly bool
	Suffix     string // of keys, besides a prefix; "" means any
}

// authorize reports whether the principal may do what the call requests. Only what a rule allows is
// allowed.
func authorize(c *call) error {
	switch {
	case c.op.action == actDelete && c.key == "":
		return nil // a batch is authorized and answered per key
	case c.op.action == actListBucket:
		return allowed(c.principal, actListBucket, c.bucket, c.req.URL.Query().Get("prefix"))
	case c.op.action == actPut:
		return authorizePut(c)
	case c.op.action == actDelete:
		return authorizeDelete(c, c.key, c.req.Header.Get("If-Match"))
	}
	return allowed(c.principal, c.op.action, c.bucket, c.key)
}

func authorizePut(c *call) error {
	create := c.req.Header.Get("If-None-Match") != ""
	conditional := create || c.req.Header.Get("If-Match") != ""
	found := false
	for _, r := range c.principal.Allow {
		if !r.covers(actPut, c.bucket, c.key) {
			continue
		}
		if (conditional || !r.Conditional) && (create || !r.CreateOnly) {
			return needGet(c, c.key, c.req.Header.Get("If-Match"))
		}
		found = true
	}
	if found {
		return errConditionalMissing
	}
	return errAccessDenied
}

func authorizeDelete(c *call, key, ifMatch string) error {
	if err := allowed(c.principal, actDelete, c.bucket, key); err != nil {
		return err
	}
	return needGet(c, key, ifMatch)
}

// needGet requires the right to read: S3 compares ETags only for principals that may read the object.
func needGet(c *call, key, ifMatch string) error {
	if ifMatch == "" {
		return nil
	}
	return allowed(c.principal, actGet, c.bucket, key)
}

// missing returns the error for a read of a missing key. S3 admits that the key is missing only to
// principals that may list it (s3:prefix is then the key itself).
func missing(c *call) error {
	if allowed(c.principal, actListBucket, c.bucket, c.key) != nil {
		return errAccessDenied
	}
	return errNoSuchKey
}

func allowed(p Principal, action, bucket, key string) error {
	for _, r := range p.Allow {
		if r.covers(action, bucket, key) {
			return nil
		}
	}
	return errAccessDenied
}

func (r Rule) covers(action, bucket, key string) bool {
	if !slices.Contains(r.Actions, action) && !slices.Contains(r.Actions, actAll) {
		return false
	}
	if r.Bucket != bucket || !strings.HasSuffix(key, r.Suffix) {
		return false
	}
	return len(r.Prefixes) == 0 || slices.ContainsFunc(r.Prefixes, func(p string) bool {
		return strings.HasPrefix(key, p)
	})
}
