package aws

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

const maxBody = 1 << 20

// request is the body of a create or an update.
type request struct {
	Attributes map[string]any `json:"attributes"`
}

// ServeHTTP answers the protocol:
//
//	POST, GET, PUT, DELETE /v1/objects/<type>?id=<id>
//	GET                    /v1/objects/<type>
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if subtle.ConstantTimeCompare([]byte(given), []byte(s.token)) != 1 {
		reply(w, 401, &Error{401, "UnrecognizedClientException", "The security token included in the request is invalid."})
		return
	}
	typ, ok := strings.CutPrefix(r.URL.Path, "/v1/objects/")
	if !ok || typ == "" || strings.Contains(typ, "/") {
		reply(w, 404, &Error{404, "UnknownOperationException", "There is nothing at this address."})
		return
	}
	op := operation(r)
	id := r.URL.Query().Get("id")
	in, err := read(r, op, id)
	silent := false
	if err == nil {
		silent, err = s.applyFaults(r.Context(), op, typ, id)
	}
	status, body := 0, any(nil)
	if err == nil {
		status, body, err = s.serve(in, op, typ, id)
	}
	s.log.Debug("cloud", "op", string(op), "type", typ, "id", id, "error", err)
	if silent {
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		status, body = refusal(err)
	}
	reply(w, status, body)
}

func operation(r *http.Request) Op {
	switch r.Method {
	case http.MethodPost:
		return OpCreate
	case http.MethodPut:
		return OpUpdate
	case http.MethodDelete:
		return OpDelete
	case http.MethodGet:
		if r.URL.Query().Has("id") {
			return OpRead
		}
		return OpList
	}
	return ""
}

// read checks a call and reads its body.
func read(r *http.Request, op Op, id string) (in request, err error) {
	if op == "" || (id == "" && op != OpList) {
		return in, &Error{400, "ValidationError", "Method or id is missing."}
	}
	if op == OpCreate || op == OpUpdate {
		err = decode(r.Body, &in)
	}
	return in, err
}

func (s *Server) serve(in request, op Op, typ, id string) (int, any, error) {
	switch op {
	case OpCreate:
		obj, err := s.create(typ, id, in.Attributes)
		return http.StatusCreated, obj, err
	case OpUpdate:
		obj, err := s.update(typ, id, in.Attributes)
		return http.StatusOK, obj, err
	case OpDelete:
		obj, err := s.remove(typ, id)
		return http.StatusOK, obj, err
	case OpRead:
		obj, err := s.read(typ, id)
		return http.StatusOK, obj, err
	}
	return http.StatusOK, s.Objects(typ), nil
}

func decode(body io.Reader, into any) error {
	d := json.NewDecoder(io.LimitReader(body, maxBody))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return &Error{400, "SerializationException", "The body is not readable: " + err.Error()}
	}
	return nil
}

func refusal(err error) (int, *Error) {
	var e *Error
	if errors.As(err, &e) {
		return e.Status, e
	}
	return 500, &Error{500, "InternalFailure", err.Error()}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
