package s3

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// IAM actions.
const (
	actListBucket = "s3:ListBucket"
	actGet        = "s3:GetObject"
	actPut        = "s3:PutObject"
	actDelete     = "s3:DeleteObject"
	actAll        = "s3:*"
)

// operation is one call of the S3 API: its name, the IAM action it requires, its handler, and its
// query keys.
type operation struct {
	name   string
	action string
	handle func(*Server, *call) (reply, error)
	query  []string
}

var (
	opHeadBucket  = operation{"HeadBucket", actListBucket, (*Server).headBucket, nil}
	opListObjects = operation{"ListObjectsV2", actListBucket, (*Server).listObjects,
		[]string{"list-type", "prefix", "delimiter", "continuation-token", "max-keys", "start-after", "encoding-type",
			"fetch-owner"}}
	opHeadObject   = operation{"HeadObject", actGet, (*Server).getObject, nil}
	opGetObject    = operation{"GetObject", actGet, (*Server).getObject, nil}
	opPutObject    = operation{"PutObject", actPut, (*Server).putObject, nil}
	opDeleteObject = operation{"DeleteObject", actDelete, (*Server).deleteObject, nil}
)

func route(c *call) error {
	path := strings.TrimPrefix(c.req.URL.Path, "/")
	c.bucket, c.key, _ = strings.Cut(path, "/")
	switch {
	case c.bucket == "":
		return errNotImplemented
	case c.key == "":
		c.op = bucketOperation(c.req)
	default:
		c.op = objectOperation(c.req)
	}
	if c.op.name == "" {
		return errNotImplemented
	}
	if len(c.key) > maxKeyBytes {
		return errKeyTooLong
	}
	if !utf8.ValidString(c.key) || strings.ContainsRune(c.key, 0) {
		return errInvalidURI
	}
	return checkQuery(c)
}

func bucketOperation(r *http.Request) operation {
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodHead:
		return opHeadBucket
	case r.Method == http.MethodGet && q.Get("list-type") == "2":
		return opListObjects
	}
	return operation{}
}

func objectOperation(r *http.Request) operation {
	switch r.Method {
	case http.MethodGet:
		return opGetObject
	case http.MethodHead:
		return opHeadObject
	case http.MethodPut:
		return opPutObject
	case http.MethodDelete:
		return opDeleteObject
	}
	return operation{}
}

// checkQuery refuses subresources that are not simulated: a GET with ?tagging must not be handled as
// GetObject.
func checkQuery(c *call) error {
	for k := range c.req.URL.Query() {
		if k != "x-id" && !slices.Contains(c.op.query, k) {
			return errNotImplemented
		}
	}
	if c.req.Header.Get("x-amz-copy-source") != "" {
		return errNotImplemented
	}
	return nil
}
