package s3

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxListKeys   = 1000
	xmlNamespace  = "http://s3.amazonaws.com/doc/2006-03-01/"
	isoForm       = "2006-01-02T15:04:05.000Z"
	classicRegion = "us-east-1"
)

type bucketEntry struct {
	Name         string
	CreationDate string
}

type listBucketsResult struct {
	XMLName xml.Name      `xml:"ListAllMyBucketsResult"`
	XMLNS   string        `xml:"xmlns,attr"`
	Buckets []bucketEntry `xml:"Buckets>Bucket"`
}

func (s *Server) listBuckets(c *call) (reply, error) {
	out := listBucketsResult{XMLNS: xmlNamespace}
	prefix := c.req.URL.Query().Get("prefix")
	for _, name := range s.Buckets() {
		if strings.HasPrefix(name, prefix) {
			out.Buckets = append(out.Buckets, bucketEntry{name, time.Unix(0, 0).UTC().Format(isoForm)})
		}
	}
	return xmlReply(http.StatusOK, out), nil
}

func (s *Server) headBucket(*call) (reply, error) {
	h := http.Header{}
	h.Set("x-amz-bucket-region", s.region)
	return reply{status: http.StatusOK, header: h}, nil
}

func (s *Server) getLocation(*call) (reply, error) {
	type location struct {
		XMLName xml.Name `xml:"LocationConstraint"`
		XMLNS   string   `xml:"xmlns,attr"`
		Region  string   `xml:",chardata"`
	}
	out := location{XMLNS: xmlNamespace, Region: s.region}
	if s.region == classicRegion {
		out.Region = ""
	}
	return xmlReply(http.StatusOK, out), nil
}

type listEntry struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
	StorageClass string
}

type commonPrefix struct{ Prefix string }

type listResult struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	XMLNS                 string   `xml:"xmlns,attr"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	KeyCount              int
	MaxKeys               int
	IsTruncated           bool
	Contents              []listEntry
	CommonPrefixes        []commonPrefix
}

func (s *Server) listObjects(c *call) (reply, error) {
	q := c.req.URL.Query()
	out := listResult{
		XMLNS: xmlNamespace, Name: c.bucket, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"),
		StartAfter: q.Get("start-after"), ContinuationToken: q.Get("continuation-token"), MaxKeys: maxListKeys,
	}
	if v := q.Get("max-keys"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return reply{}, errInvalidArgument
		}
		out.MaxKeys = min(n, maxListKeys)
	}
	after := out.StartAfter
	if out.ContinuationToken != "" {
		raw, err := base64.URLEncoding.DecodeString(out.ContinuationToken)
		if err != nil {
			return reply{}, errInvalidArgument
		}
		after = string(raw)
	}
	out.fill(s.objects.list(c.bucket, out.Prefix, after))
	if q.Get("encoding-type") == "url" {
		out.encode()
	}
	return xmlReply(http.StatusOK, out), nil
}

// fill adds objects to the page, in order. Keys with the same text between prefix and delimiter count
// as one.
func (l *listResult) fill(all []Object) {
	last, group := "", ""
	for _, obj := range all {
		prefix := l.group(obj.Key)
		if prefix != "" && prefix == group {
			last = obj.Key
			continue
		}
		if l.KeyCount == l.MaxKeys {
			l.IsTruncated = l.MaxKeys > 0
			l.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(last))
			break
		}
		l.KeyCount++
		last, group = obj.Key, prefix
		if prefix != "" {
			l.CommonPrefixes = append(l.CommonPrefixes, commonPrefix{prefix})
			continue
		}
		l.Contents = append(l.Contents, listEntry{
			obj.Key, obj.LastModified.Format(isoForm), obj.ETag, obj.Size, "STANDARD",
		})
	}
	if !l.IsTruncated {
		l.NextContinuationToken = ""
	}
}

func (l *listResult) group(key string) string {
	if l.Delimiter == "" {
		return ""
	}
	head, _, found := strings.Cut(strings.TrimPrefix(key, l.Prefix), l.Delimiter)
	if !found {
		return ""
	}
	return l.Prefix + head + l.Delimiter
}

func (l *listResult) encode() {
	l.EncodingType = "url"
	for _, f := range []*string{&l.Prefix, &l.Delimiter, &l.StartAfter} {
		*f = url.QueryEscape(*f)
	}
	for i := range l.Contents {
		l.Contents[i].Key = url.QueryEscape(l.Contents[i].Key)
	}
	for i := range l.CommonPrefixes {
		l.CommonPrefixes[i].Prefix = url.QueryEscape(l.CommonPrefixes[i].Prefix)
	}
}

type deleteRequest struct {
	Quiet   bool
	Objects []struct {
		Key  string
		ETag string
	} `xml:"Object"`
}

type deleted struct{ Key string }

type deleteError struct{ Key, Code, Message string }

type deleteResult struct {
	XMLName xml.Name      `xml:"DeleteResult"`
	XMLNS   string        `xml:"xmlns,attr"`
	Deleted []deleted     `xml:",omitempty"`
	Errors  []deleteError `xml:"Error,omitempty"`
}

func (s *Server) deleteObjects(c *call) (reply, error) {
	var in deleteRequest
	if err := xml.Unmarshal(c.body, &in); err != nil || len(in.Objects) == 0 || len(in.Objects) > maxListKeys {
		return reply{}, errMalformedXML
	}
	out, effects := deleteResult{XMLNS: xmlNamespace}, 0
	for _, item := range in.Objects {
		n, err := 0, authorizeDelete(c, item.Key, item.ETag)
		if err == nil {
			n, err = s.deleteOne(c.bucket, item.Key, item.ETag)
		}
		effects += n
		var refused *apiError
		switch {
		case errors.As(err, &refused):
			out.Errors = append(out.Errors, deleteError{item.Key, refused.code, refused.message})
		case err != nil:
			return reply{effects: effects}, err
		case !in.Quiet:
			out.Deleted = append(out.Deleted, deleted{item.Key})
		}
	}
	answer := xmlReply(http.StatusOK, out)
	answer.effects = effects
	return answer, nil
}
