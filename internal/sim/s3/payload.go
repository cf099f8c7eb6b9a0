package s3

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	unsignedPayload   = "UNSIGNED-PAYLOAD"
	unsignedTrailer   = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	signedChunks      = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	signedTrailer     = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	emptySHA          = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	chunkOverhead     = 1 << 20 // framing of aws-chunked, on top of the object's bytes
	maxTrailerLines   = 8
	checksumPrefix    = "x-amz-checksum-"
	defaultAlgorithm  = "crc64nvme"
	nvmePolynomial    = 0x9a6c9329ac4bc9b5
	chunkAlgorithm    = "AWS4-HMAC-SHA256-PAYLOAD"
	trailerAlgorithm  = "AWS4-HMAC-SHA256-TRAILER"
	trailerSignature  = "x-amz-trailer-signature"
	decodedLengthName = "x-amz-decoded-content-length"
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

// decodePayload checks the body against x-amz-content-sha256 and removes the aws-chunked framing.
func (s *Server) decodePayload(c *call, raw []byte) ([]byte, error) {
	kind := c.req.Header.Get("x-amz-content-sha256")
	switch kind {
	case "":
		return nil, errMissingSHA
	case unsignedPayload:
		return raw, nil
	case unsignedTrailer, signedChunks, signedTrailer:
		return decodeChunks(c, raw, kind)
	}
	if strings.HasPrefix(kind, "STREAMING-") {
		return nil, errNotImplemented
	}
	sum := sha256.Sum256(raw)
	if !strings.EqualFold(kind, hex.EncodeToString(sum[:])) {
		return nil, errSHAMismatch
	}
	return raw, nil
}

// chunkSigner checks the chain of chunk signatures. It is nil if chunks are not signed.
type chunkSigner struct {
	c    *call
	prev string
}

func (k *chunkSigner) check(algorithm string, parts []string, got string) error {
	if k == nil {
		return nil
	}
	text := strings.Join(append([]string{algorithm, k.c.signedAt.Format(dateForm), k.c.cred.scope(), k.prev}, parts...),
		"\n")
	want := hex.EncodeToString(mac(k.c.cred.key(k.c.principal.Secret), text))
	if !hmac.Equal([]byte(want), []byte(got)) {
		return errSignature
	}
	k.prev = want
	return nil
}

func decodeChunks(c *call, raw []byte, kind string) ([]byte, error) {
	var signer *chunkSigner
	if kind != unsignedTrailer {
		signer = &chunkSigner{c: c, prev: c.cred.signature}
	}
	in := bufio.NewReader(bytes.NewReader(raw))
	var out []byte
	for {
		chunk, err := readChunk(in, signer)
		if err != nil {
			return nil, err
		}
		if len(chunk) == 0 {
			break
		}
		out = append(out, chunk...)
	}
	want, err := strconv.Atoi(c.req.Header.Get(decodedLengthName))
	if err != nil || want != len(out) {
		return nil, errIncompleteBody
	}
	c.trailer, err = readTrailer(in, signer)
	return out, err
}

// readChunk reads "<hex length>[;chunk-signature=…]CRLF <bytes> CRLF". The last chunk has length 0
// and, before a trailer, no line end of its own.
func readChunk(in *bufio.Reader, signer *chunkSigner) ([]byte, error) {
	line, err := readLine(in)
	if err != nil {
		return nil, err
	}
	size, ext, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(size, 16, 31)
	if err != nil {
		return nil, errIncompleteBody
	}
	data, err := io.ReadAll(io.LimitReader(in, int64(n)))
	if err != nil || len(data) != int(n) {
		return nil, errIncompleteBody
	}
	if n > 0 {
		if end, err := readLine(in); err != nil || end != "" {
			return nil, errIncompleteBody
		}
	}
	sum := sha256.Sum256(data)
	return data, signer.check(chunkAlgorithm, []string{emptySHA, hex.EncodeToString(sum[:])},
		strings.TrimPrefix(ext, "chunk-signature="))
}

func readTrailer(in *bufio.Reader, signer *chunkSigner) (http.Header, error) {
	trailer := http.Header{}
	var signedText strings.Builder
	for range maxTrailerLines {
		line, err := readLine(in)
		if errors.Is(err, errIncompleteBody) || line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, errIncompleteBody
		}
		trailer.Set(name, strings.TrimSpace(value))
		if !strings.EqualFold(name, trailerSignature) {
			signedText.WriteString(strings.ToLower(name) + ":" + strings.TrimSpace(value) + "\n")
		}
	}
	if signer == nil || signedText.Len() == 0 {
		return trailer, nil
	}
	sum := sha256.Sum256([]byte(signedText.String()))
	return trailer, signer.check(trailerAlgorithm, []string{hex.EncodeToString(sum[:])}, trailer.Get(trailerSignature))
}

func readLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return "", errIncompleteBody
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// checkIntegrity compares the body with Content-MD5 and with the checksum in the headers or the
// trailer, and records the checksum to store.
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
	if name := c.req.Header.Get("x-amz-trailer"); name != "" && c.trailer.Get(name) == "" {
		return errIncompleteBody
	}
	for algorithm := range checksumHashes {
		name := checksumPrefix + algorithm
		given := orDefault(c.req.Header.Get(name), c.trailer.Get(name))
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
