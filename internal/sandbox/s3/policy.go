package s3

import (
	"slices"
	"strings"
)

// Rule allows actions ("s3:GetObject", …, or actAll) on the keys of one bucket
// that start with one of the prefixes; no prefix means every key.
type Rule struct {
	Actions  []string
	Bucket   string
	Prefixes []string
	// Conditional allows PutObject only with If-None-Match or If-Match, as a
	// bucket policy with the condition keys s3:if-none-match and s3:if-match does.
	Conditional bool
	// CreateOnly allows PutObject only with If-None-Match: never over an object.
	CreateOnly bool
	Suffix     string // of keys, besides a prefix; "" means any
}

// authorize says whether the principal may do what was asked; nothing is
// allowed that no rule names.
func authorize(c *call) error {
	switch {
	case c.op.action == actDelete && c.key == "":
		return nil // a batch: decided, and answered, per key
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

// needGet: S3 compares ETags only for those who may read the object.
func needGet(c *call, key, ifMatch string) error {
	if ifMatch == "" {
		return nil
	}
	return allowed(c.principal, actGet, c.bucket, key)
}

// missing is the answer to a read of a key that is not there: S3 admits that
// only to those who may list it (s3:prefix is then the key itself).
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
	if action == actListBuckets {
		return true
	}
	if r.Bucket != bucket || !strings.HasSuffix(key, r.Suffix) {
		return false
	}
	return len(r.Prefixes) == 0 || slices.ContainsFunc(r.Prefixes, func(p string) bool {
		return strings.HasPrefix(key, p)
	})
}
