package s3

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The worked example of "Signature Calculations for the Authorization Header:
// Transferring Payload in Multiple Chunks" in the S3 API reference.
func TestSignedChunksOfTheDocumentation(t *testing.T) {
	head := strings.Repeat("a", 65536)
	tail := strings.Repeat("a", 1024)
	body := "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + head + "\r\n" +
		"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + tail + "\r\n" +
		"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
	for name, row := range map[string]struct {
		body string
		want error
	}{
		"as documented":    {body, nil},
		"one byte changed": {strings.Replace(body, "aaaa", "aaab", 1), errSignature},
		"a chunk left out": {strings.Replace(body,
			"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n"+tail+"\r\n", "", 1),
			errSignature},
		"cut off": {body[:66000], errIncompleteBody},
	} {
		t.Run(name, func(t *testing.T) {
			c := documentedCall(t)
			out, err := decodeChunks(c, []byte(row.body), signedChunks)
			if err != row.want {
				t.Fatalf("got %v, want %v", err, row.want)
			}
			if err == nil && !bytes.Equal(out, []byte(head+tail)) {
				t.Errorf("%d bytes decoded", len(out))
			}
		})
	}
}

func documentedCall(t *testing.T) *call {
	t.Helper()
	at, err := time.Parse(dateForm, "20130524T000000Z")
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("PUT", "http://s3.amazonaws.com/examplebucket/chunkObject.txt", nil)
	r.Header.Set(decodedLengthName, "66560")
	return &call{
		req: r, signedAt: at,
		principal: Principal{Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
		cred: credential{
			date: "20130524", region: "us-east-1",
			signature: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
		},
	}
}

func TestUnsignedTrailer(t *testing.T) {
	for name, row := range map[string]struct {
		body string
		want error
	}{
		"good":             {"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n", nil},
		"two chunks":       {"1\r\na\r\n2\r\nbc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n", nil},
		"wrong checksum":   {"3\r\nabd\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n", errBadDigest},
		"missing trailer":  {"3\r\nabc\r\n0\r\n\r\n", errIncompleteBody},
		"length lies":      {"2\r\nab\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n", errIncompleteBody},
		"no last chunk":    {"3\r\nabc\r\n", errIncompleteBody},
		"chunk is too big": {"7fffffff\r\nabc\r\n0\r\n\r\n", errIncompleteBody},
		"not a number":     {"x\r\nabc\r\n0\r\n\r\n", errIncompleteBody},
	} {
		t.Run(name, func(t *testing.T) {
			c := documentedCall(t)
			c.req.Header.Set(decodedLengthName, "3")
			c.req.Header.Set("x-amz-trailer", "x-amz-checksum-crc32")
			var err error
			if c.body, err = decodeChunks(c, []byte(row.body), unsignedTrailer); err == nil {
				err = checkIntegrity(c)
			}
			if err != row.want {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
}
