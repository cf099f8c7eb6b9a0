package s3

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strings"
)

const (
	unsignedPayload  = "UNSIGNED-PAYLOAD"
	checksumPrefix   = "x-amz-checksum-"
	defaultAlgorithm = "crc64nvme"
	nvmePolynomial   = 0x9a6c9329ac4bc9b5
)

// checksum is the object checksum that S3 stores and returns.
type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"value"`
}

var checksumHashes = map[string]func() hash.Hash{
	"crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(nvmePolynomial)) },
	"sha1":      sha1.New,
	"sha256":    sha256.New,
}

// checkPayload checks the body against x-amz-content-sha256. Clients send a body in chunks (aws-chunked) only
// over TLS, which the simulator does not speak.
func checkPayload(c *call) error {
	kind := c.req.Header.Get("x-amz-content-sha256")
	sum := sha256.Sum256(c.body)
	switch {
	case kind == "":
		return errMissingSHA
	case kind == unsignedPayload:
		return nil
	case strings.HasPrefix(kind, "STREAMING-"):
		return errNotImplemented
	case !strings.EqualFold(kind, hex.EncodeToString(sum[:])):
		return errSHAMismatch
	}
	return nil
}

// checkIntegrity compares the body with Content-MD5 and with the checksum in the headers,
// and records the checksum to store.
func checkIntegrity(c *call) error {
	if given := c.req.Header.Get("Content-MD5"); given != "" {
		sum := md5.Sum(c.body)
		raw, err := base64.StdEncoding.DecodeString(given)
		if err != nil || len(raw) != md5.Size {
			return errInvalidDigest
		}
		if !bytes.Equal(raw, sum[:]) {
			return errBadDigest
		}
	}
	for algorithm := range checksumHashes {
		given := c.req.Header.Get(checksumPrefix + algorithm)
		if given == "" {
			continue
		}
		if given != sumOf(algorithm, c.body) {
			return errBadDigest
		}
		c.checksum = checksum{algorithm, given}
	}
	if c.checksum.Algorithm == "" {
		c.checksum = checksum{defaultAlgorithm, sumOf(defaultAlgorithm, c.body)}
	}
	return nil
}

func sumOf(algorithm string, body []byte) string {
	h := checksumHashes[algorithm]()
	h.Write(body)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
