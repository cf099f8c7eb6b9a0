package github

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/github/gitrepo"
)

// obj is one JSON object. Its keys are marshaled in a fixed order, so that equal facts give equal
// bytes and equal ETags.
type obj = map[string]any

const docs = "https://docs.github.com/rest"

// reply is the answer of a handler.
type reply struct {
	status int
	body   any         // nil: no body
	header http.Header // added to the standard ones
	raw    []byte      // used instead of body
}

func ok(body any) (reply, error)      { return reply{status: http.StatusOK, body: body}, nil }
func created(body any) (reply, error) { return reply{status: http.StatusCreated, body: body}, nil }
func noContent() (reply, error)       { return reply{status: http.StatusNoContent}, nil }
func accepted() (reply, error)        { return reply{status: http.StatusAccepted, body: obj{}}, nil }

// apiError is an answer in the form of GitHub's error documents.
type apiError struct {
	status  int
	message string
	errors  []any
	doc     string
	header  http.Header
}

func (e *apiError) Error() string { return strconv.Itoa(e.status) + " " + e.message }

func fail(status int, format string, args ...any) error {
	return &apiError{status: status, message: fmt.Sprintf(format, args...)}
}

var (
	errNotFound       error = &apiError{status: http.StatusNotFound, message: "Not Found"}
	errBadCredentials error = &apiError{status: http.StatusUnauthorized, message: "Bad credentials"}
)

// invalid returns the usual 422 with one machine-readable error.
func invalid(resource, field, code, message string) error {
	e := obj{"resource": resource, "code": code}
	if field != "" {
		e["field"] = field
	}
	if message != "" {
		e["message"] = message
	}
	return &apiError{status: http.StatusUnprocessableEntity, message: "Validation Failed", errors: []any{e}}
}

// asAPI turns the error of a handler into an answer: 404 if git does not find something, otherwise
// 500, with the cause only in the log.
func asAPI(err error) *apiError {
	var api *apiError
	switch {
	case errors.As(err, &api):
		return api
	case errors.Is(err, gitrepo.ErrNotFound):
		return &apiError{status: http.StatusNotFound, message: "Not Found"}
	}
	return &apiError{status: http.StatusInternalServerError, message: "Server Error"}
}

func (e *apiError) reply() reply {
	doc := e.doc
	if doc == "" {
		doc = docs
	}
	body := obj{"message": e.message, "documentation_url": doc, "status": strconv.Itoa(e.status)}
	if len(e.errors) > 0 {
		body["errors"] = e.errors
	}
	return reply{status: e.status, body: body, header: e.header}
}

// bytes renders the body once, for the ETag and for the response.
func (r reply) bytes() ([]byte, error) {
	if r.raw != nil || r.body == nil {
		return r.raw, nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r.body); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return buf.Bytes(), nil
}

func etagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `W/"` + hex.EncodeToString(sum[:]) + `"`
}

// stamp formats a time as GitHub does, in whole seconds; nil if it is zero.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// maxBody bounds the body of a request; GitHub's own limit for a blob is 100 MB.
const maxBody = 32 << 20

func readBody(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, fail(http.StatusBadRequest, "Problems parsing JSON")
	}
	if len(data) > maxBody {
		return nil, fail(http.StatusRequestEntityTooLarge, "Payload too big")
	}
	return data, nil
}

// decode reads a JSON object into v. An empty body does not change v.
func decode(body []byte, v any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, v); err != nil {
		var mismatch *json.UnmarshalTypeError
		if errors.As(err, &mismatch) {
			return fail(http.StatusUnprocessableEntity, "Invalid request.\n\nFor '%s', %s is not a %s.", mismatch.Field,
				mismatch.Value, mismatch.Type)
		}
		return fail(http.StatusBadRequest, "Problems parsing JSON")
	}
	return nil
}
