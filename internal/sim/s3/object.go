package s3

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// keptHeaders lists the headers that a read returns as the write sent them.
var keptHeaders = []string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Language", "Expires"}

const metaPrefix = "X-Amz-Meta-"

func (s *Server) getObject(c *call) (reply, error) {
	obj, ok := s.objects.get(c.bucket, c.key)
	if !ok {
		return reply{}, missing(c)
	}
	h := objectHeader(c, obj)
	if m := c.req.Header.Get("If-Match"); m != "" && !sameETag(m, obj.ETag) {
		return reply{}, errPrecondition
	}
	if m := c.req.Header.Get("If-None-Match"); m != "" && sameETag(m, obj.ETag) {
		return reply{status: http.StatusNotModified, header: h}, nil
	}
	out := reply{status: http.StatusOK, header: h, body: obj.body}
	if r := c.req.Header.Get("Range"); r != "" {
		return ranged(out, r)
	}
	h.Set("Content-Length", strconv.Itoa(len(out.body)))
	return out, nil
}

func objectHeader(c *call, obj stored) http.Header {
	h := http.Header{}
	for k, v := range obj.Header {
		h.Set(k, v)
	}
	h.Set("ETag", obj.ETag)
	h.Set("Last-Modified", obj.LastModified.Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	whole := c.req.Header.Get("Range") == ""
	if whole && strings.EqualFold(c.req.Header.Get("x-amz-checksum-mode"), "ENABLED") {
		h.Set(checksumPrefix+obj.Checksum.Algorithm, obj.Checksum.Value)
		h.Set("x-amz-checksum-type", "FULL_OBJECT")
	}
	return h
}

// ranged returns one byte range. S3 ignores a header that it cannot parse.
func ranged(out reply, header string) (reply, error) {
	size := len(out.body)
	first, last, ok := parseRange(header, size)
	if !ok {
		return out, nil
	}
	if first >= size || first > last {
		return reply{}, errInvalidRange
	}
	out.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, size))
	out.status, out.body = http.StatusPartialContent, out.body[first:last+1]
	out.header.Set("Content-Length", strconv.Itoa(len(out.body)))
	return out, nil
}

func parseRange(header string, size int) (first, last int, ok bool) {
	spec, found := strings.CutPrefix(header, "bytes=")
	from, to, dash := strings.Cut(spec, "-")
	if !found || !dash || strings.Contains(spec, ",") {
		return 0, 0, false
	}
	if from == "" {
		n, err := strconv.ParseUint(to, 10, 31)
		if n == 0 {
			return size, size, err == nil
		}
		return max(0, size-int(n)), size - 1, err == nil
	}
	start, err := strconv.ParseUint(from, 10, 31)
	if err != nil {
		return 0, 0, false
	}
	if to == "" {
		return int(start), size - 1, true
	}
	end, err := strconv.ParseUint(to, 10, 31)
	return int(start), min(int(end), size-1), err == nil && end >= start
}

func (s *Server) putObject(c *call) (reply, error) {
	ok, err := putCondition(c.req)
	if err != nil {
		return reply{}, err
	}
	obj, err := s.objects.put(c.bucket, stored{
		Object: Object{Key: c.key, Header: givenHeader(c.req), Checksum: c.checksum},
		body:   c.body,
	}, ok)
	if err != nil {
		return reply{}, err
	}
	h := http.Header{}
	h.Set("ETag", obj.ETag)
	h.Set(checksumPrefix+obj.Checksum.Algorithm, obj.Checksum.Value)
	h.Set("x-amz-checksum-type", "FULL_OBJECT")
	if sse := c.req.Header.Get("x-amz-server-side-encryption"); sse != "" {
		h.Set("x-amz-server-side-encryption", sse)
	}
	return reply{status: http.StatusOK, header: h, effects: 1}, nil
}

func givenHeader(r *http.Request) map[string]string {
	out := map[string]string{}
	for _, k := range keptHeaders {
		if v := r.Header.Get(k); v != "" {
			out[k] = v
		}
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" {
		out["Content-Encoding"] = enc
	}
	for k, v := range r.Header {
		if strings.HasPrefix(textproto.CanonicalMIMEHeaderKey(k), metaPrefix) {
			out[k] = strings.Join(v, ",")
		}
	}
	return out
}

// putCondition parses the two conditions that S3 accepts on a write.
func putCondition(r *http.Request) (condition, error) {
	none, match := r.Header.Get("If-None-Match"), r.Header.Get("If-Match")
	switch {
	case none == "" && match == "":
		return func(stored, bool) error { return nil }, nil
	case none == "*" && match == "":
		return absent, nil
	case none == "" && match != "*":
		return matches(match, errNoSuchKey), nil
	}
	return nil, errNotImplemented
}

func absent(_ stored, exists bool) error {
	if exists {
		return errPrecondition
	}
	return nil
}

func matches(etag string, whenMissing error) condition {
	return func(current stored, exists bool) error {
		if !exists {
			return whenMissing
		}
		if etag != "*" && !sameETag(etag, current.ETag) {
			return errPrecondition
		}
		return nil
	}
}

func sameETag(a, b string) bool { return strings.Trim(a, `"`) == strings.Trim(b, `"`) }

func (s *Server) deleteObject(c *call) (reply, error) {
	n, err := s.deleteOne(c.bucket, c.key, c.req.Header.Get("If-Match"))
	return reply{status: http.StatusNoContent, effects: n}, err
}

// deleteOne deletes an object. Deleting a missing object succeeds, unless the call names an ETag.
func (s *Server) deleteOne(bucket, key, ifMatch string) (int, error) {
	ok := condition(func(stored, bool) error { return nil })
	if ifMatch != "" {
		ok = matches(ifMatch, errPrecondition)
	}
	gone, err := s.objects.remove(bucket, key, ok)
	if err != nil || !gone {
		return 0, err
	}
	return 1, nil
}
