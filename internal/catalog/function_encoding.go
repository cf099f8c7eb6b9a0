package catalog

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
)

// Terraform's functions over texts that the standard library of its language lacks: encodings, hashes, paths, times.

// textFunc is a function from texts to a text.
func textFunc(do func(args []string) (string, error), names ...string) function.Function {
	params := make([]function.Parameter, len(names))
	for i, name := range names {
		params[i] = function.Parameter{Name: name, Type: cty.String}
	}
	return function.New(&function.Spec{
		Params: params,
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			texts := make([]string, len(args))
			for i, arg := range args {
				texts[i] = arg.AsString()
			}
			text, err := do(texts)
			return cty.StringVal(text), err
		},
	})
}

// hashFunc hashes the UTF-8 bytes of a text. These hashes compare and name things; md5 and sha1
// are here because rules may call them, and protect nothing.
func hashFunc(hash func(text []byte) string) function.Function {
	return textFunc(func(args []string) (string, error) { return hash([]byte(args[0])), nil }, "str")
}

// pathFunc takes a part of a path with slashes, on every system: a module must mean the same
// where the form runs and where the plan runs.
func pathFunc(part func(path string) string) function.Function {
	return textFunc(func(args []string) (string, error) { return part(args[0]), nil }, "path")
}

func hexMD5(b []byte) string    { sum := md5.Sum(b); return hex.EncodeToString(sum[:]) }
func hexSHA1(b []byte) string   { sum := sha1.Sum(b); return hex.EncodeToString(sum[:]) }
func hexSHA256(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }
func hexSHA512(b []byte) string { sum := sha512.Sum512(b); return hex.EncodeToString(sum[:]) }
func base64SHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}
func base64SHA512(b []byte) string {
	sum := sha512.Sum512(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

var urlEncodeFunc = textFunc(func(args []string) (string, error) { return url.QueryEscape(args[0]), nil }, "str")

var base64EncodeFunc = textFunc(func(args []string) (string, error) {
	return base64.StdEncoding.EncodeToString([]byte(args[0])), nil
}, "str")

var base64DecodeFunc = textFunc(func(args []string) (string, error) {
	content, err := base64.StdEncoding.DecodeString(args[0])
	// A string of Terraform is Unicode. Bytes that are not text would become replacement
	// characters and compare equal to other bytes.
	if err == nil && !utf8.Valid(content) {
		err = fmt.Errorf("the result is not valid UTF-8")
	}
	return string(content), err
}, "str")

var textEncodeFunc = textFunc(func(args []string) (string, error) {
	known, err := encodingOf(args[1])
	if err != nil {
		return "", err
	}
	content, err := known.NewEncoder().Bytes([]byte(args[0]))
	return base64.StdEncoding.EncodeToString(content), err
}, "string", "encoding")

var textDecodeFunc = textFunc(func(args []string) (string, error) {
	known, err := encodingOf(args[1])
	if err != nil {
		return "", err
	}
	content, err := base64.StdEncoding.DecodeString(args[0])
	if err != nil {
		return "", err
	}
	if known == unicode.UTF8 && !utf8.Valid(content) {
		return "", function.NewArgErrorf(0, "holds bytes that are not UTF-8")
	}
	text, err := known.NewDecoder().Bytes(content)
	return string(text), err
}, "source", "encoding")

// encodingOf finds an encoding by its IANA name, in any case. ianaindex returns a nil encoding
// without an error for a name that IANA lists and Go does not implement.
func encodingOf(name string) (encoding.Encoding, error) {
	known, err := ianaindex.IANA.Encoding(name)
	if err != nil || known == nil {
		return nil, function.NewArgErrorf(1, "%q is not a supported IANA encoding name or alias", name)
	}
	return known, nil
}

// uuidNamespaces are the four namespaces of RFC 4122, which Terraform names by these words.
var uuidNamespaces = map[string]uuid.UUID{
	"dns": uuid.NameSpaceDNS, "url": uuid.NameSpaceURL, "oid": uuid.NameSpaceOID, "x500": uuid.NameSpaceX500,
}

var uuidV5Func = textFunc(func(args []string) (string, error) {
	namespace, ok := uuidNamespaces[args[0]]
	if !ok {
		var err error
		if namespace, err = uuid.Parse(args[0]); err != nil {
			return "", function.NewArgErrorf(0, "is not a namespace: %w", err)
		}
	}
	return uuid.NewSHA1(namespace, []byte(args[1])).String(), nil
}, "namespace", "name")

// timeCompareFunc compares instants and not texts: two texts can name one instant in two zones.
var timeCompareFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "timestamp_a", Type: cty.String}, {Name: "timestamp_b", Type: cty.String}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		var times [2]time.Time
		for i := range times {
			var err error
			if times[i], err = time.Parse(time.RFC3339, args[i].AsString()); err != nil {
				return cty.NilVal, function.NewArgError(i, err)
			}
		}
		return cty.NumberIntVal(int64(times[0].Compare(times[1]))), nil
	},
})
