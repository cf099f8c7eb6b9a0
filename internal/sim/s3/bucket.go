package s3

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	maxListKeys  = 1000
	xmlNamespace = "http://s3.amazonaws.com/doc/2006-03-01/"
	isoForm      = "2006-01-02T15:04:05.000Z"
)

func (s *Server) headBucket(*call) (reply, error) {
	h := http.Header{}
	h.Set("x-amz-bucket-region", s.region)
	return reply{status: http.StatusOK, header: h}, nil
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
