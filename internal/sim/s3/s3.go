// Package s3 simulates Amazon S3 for the real AWS SDK and for Terraform's s3 backend, in path style.
// It owns the wire protocol (Signature Version 4, checked payloads and checksums, conditional writes,
// S3's error codes), the objects, the permissions, injected faults, and counts of calls and changes.
// It does not own the meaning of the objects. It has only the buckets of its configuration, and
// answers 501 to multipart uploads, versions and ACLs.
//
// A Server is an http.Handler. It opens no socket, starts no goroutine, and uses the disk only if it
// gets a directory.
package s3

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

const (
	defaultRegion  = "eu-central-1"
	defaultMaxBody = 64 << 20
	maxKeyBytes    = 1024
)

// Principal is an identity that can sign requests.
type Principal struct {
	Name         string
	AccessKey    string
	Secret       string
	SessionToken string // when set, every request must carry it
	Allow        []Rule
}

// Config configures a Server.
type Config struct {
	Region     string // empty: eu-central-1
	Buckets    []string
	Principals []Principal
	Dir        string // empty: in memory only
	MaxBody    int64  // largest accepted object; 0: 64 MiB
	Log        *slog.Logger
}

// Server is the simulator.
type Server struct {
	region  string
	maxBody int64
	log     *slog.Logger
	byKey   map[string]Principal
	objects *objects
	faults  faults
	counts  counts
}

// New returns a simulator with the objects that are stored in cfg.Dir.
func New(cfg Config) (*Server, error) {
	s := &Server{
		region:  orDefault(cfg.Region, defaultRegion),
		maxBody: cfg.MaxBody,
		log:     cfg.Log,
		byKey:   make(map[string]Principal, len(cfg.Principals)),
	}
	if s.maxBody <= 0 {
		s.maxBody = defaultMaxBody
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, p := range cfg.Principals {
		if _, dup := s.byKey[p.AccessKey]; dup || p.AccessKey == "" || p.Secret == "" {
			return nil, fmt.Errorf("principal %q: access key missing, without secret, or used twice", p.Name)
		}
		s.byKey[p.AccessKey] = p
	}
	var err error
	s.objects, err = openObjects(cfg.Dir, cfg.Buckets)
	return s, err
}

// call is one request in the simulator.
type call struct {
	req       *http.Request
	id        string
	op        operation
	bucket    string
	key       string
	principal Principal
	cred      credential
	body      []byte
	checksum  checksum
}

// reply is the answer to a call. It is written only after the work is done, so that a lost answer is
// one that is never written.
type reply struct {
	status  int
	header  http.Header
	body    []byte
	effects int // number of objects that the call changed
}

// ServeHTTP answers one S3 request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{req: r, id: requestID()}
	out, fault, err := s.answer(c)
	if err != nil {
		out = errorReply(c, err)
	}
	s.log.Debug("s3", "op", c.op.name, "bucket", c.bucket, "key", c.key,
		"principal", c.principal.Name, "status", out.status, "fault", string(fault))
	if fault == FaultLost {
		panic(http.ErrAbortHandler)
	}
	s.write(w, c, out)
}

func (s *Server) answer(c *call) (reply, FaultKind, error) {
	if err := route(c); err != nil {
		return reply{}, "", err
	}
	if err := s.authenticate(c); err != nil {
		return reply{}, "", err
	}
	if err := s.readBody(c); err != nil {
		return reply{}, "", err
	}
	fault, err := s.faults.apply(c)
	if err != nil {
		s.counts.add(c, 0)
		return reply{}, fault, err
	}
	out, err := s.work(c)
	s.counts.add(c, out.effects)
	return out, fault, err
}

func (s *Server) work(c *call) (reply, error) {
	if err := authorize(c); err != nil {
		return reply{}, err
	}
	if c.bucket != "" && !s.objects.hasBucket(c.bucket) {
		return reply{}, errNoSuchBucket
	}
	return c.op.handle(s, c)
}

func (s *Server) write(w http.ResponseWriter, c *call, out reply) {
	h := w.Header()
	for k, v := range out.header {
		h[k] = v
	}
	h.Set("Server", "AmazonS3")
	h.Set("x-amz-request-id", c.id)
	h.Set("x-amz-id-2", c.id+c.id)
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if out.status != http.StatusNoContent && out.status != http.StatusNotModified && h.Get("Content-Length") == "" {
		h.Set("Content-Length", strconv.Itoa(len(out.body)))
	}
	w.WriteHeader(out.status)
	if c.req.Method != http.MethodHead {
		_, _ = w.Write(out.body)
	}
}

// readBody reads the bytes of the object into c.body and checks them against the headers.
func (s *Server) readBody(c *call) error {
	var err error
	if c.req.Body != nil { // nil when a client's request is passed on in process
		c.body, err = io.ReadAll(io.LimitReader(c.req.Body, s.maxBody+1))
	}
	switch {
	case err != nil:
		return errIncompleteBody
	case int64(len(c.body)) > s.maxBody:
		return errEntityTooLarge
	}
	if err := checkPayload(c); err != nil {
		return err
	}
	return checkIntegrity(c)
}

func requestID() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func orDefault(v, d string) string {
	if v == "" {
		return d
	}
	return v
}
