// Package aws simulates an AWS account as far as Terraform sees one: objects with a type, an id and
// attributes, behind a small JSON protocol. It owns the objects, the AWS rules that refuse a create or
// a delete (a name that is taken, a bucket that is not empty, …), changes from outside Terraform,
// injected delays and refusals. It knows neither Terraform's schema (package provider) nor
// any AWS protocol.
//
// A Server is an http.Handler. It opens no socket, starts no goroutine, and uses the disk only if it
// gets a directory.
package aws

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// Account is the number of the simulated account.
	Account    = "000000000000"
	maxObjects = 20000
	maxFaults  = 256
)

// Object is one resource in the account.
type Object struct {
	Type       string         `json:"type"` // as in Terraform, "aws_s3_bucket"
	ID         string         `json:"id"`
	Attributes map[string]any `json:"attributes"`
	Contents   int            `json:"contents"` // objects in a bucket, images in a repository
	CreatedAt  time.Time      `json:"createdAt"`
	UpdatedAt  time.Time      `json:"updatedAt"`
}

// Error is a refusal in the words of AWS.
type Error struct {
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Op is an operation on an object.
type Op string

// The operations of the protocol.
const (
	OpCreate Op = "create"
	OpRead   Op = "read"
	OpUpdate Op = "update"
	OpDelete Op = "delete"
	OpList   Op = "list"
)

// Config configures a Server.
type Config struct {
	Token string // required; bearer token of every request
	Dir   string // empty: in memory only
	Log   *slog.Logger
}

// Server is the simulated account.
type Server struct {
	token string
	dir   string
	log   *slog.Logger

	mu      sync.Mutex
	objects map[key]Object
	faults  []Fault
	cleared chan struct{} // closed by ClearFaults
}

type key struct{ typ, id string }

// New returns the account that is stored in cfg.Dir.
func New(cfg Config) (*Server, error) {
	if cfg.Token == "" {
		return nil, errors.New("cloud: a token is required")
	}
	s := &Server{
		token: cfg.Token, dir: cfg.Dir, log: cfg.Log,
		objects: map[key]Object{}, cleared: make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("load account: %w", err)
	}
	return s, nil
}

func (s *Server) create(typ, id string, attributes map[string]any) (Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := key{typ, id}
	current, exists := s.objects[k]
	if err := s.mayCreate(k, attributes, exists); err != nil {
		return Object{}, err
	}
	now := time.Now().UTC()
	obj := Object{Type: typ, ID: id, Attributes: attributes, CreatedAt: now, UpdatedAt: now}
	if exists {
		obj.CreatedAt = current.CreatedAt
	}
	return obj, s.store(obj)
}

func (s *Server) read(typ, id string) (Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	obj, ok := s.objects[key{typ, id}]
	if !ok {
		return Object{}, notFound(typ, id)
	}
	return obj, nil
}

func (s *Server) update(typ, id string, attributes map[string]any) (Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	obj, ok := s.objects[key{typ, id}]
	if !ok {
		return Object{}, notFound(typ, id)
	}
	obj.Attributes, obj.UpdatedAt = attributes, time.Now().UTC()
	return obj, s.store(obj)
}

func (s *Server) remove(typ, id string) (Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := key{typ, id}
	obj, ok := s.objects[k]
	if !ok {
		return Object{}, notFound(typ, id)
	}
	if err := s.mayDelete(obj); err != nil {
		return Object{}, err
	}
	before := maps.Clone(s.objects)
	delete(s.objects, k)
	s.dropParts(obj)
	if err := s.save(); err != nil {
		s.objects = before
		return Object{}, err
	}
	return obj, nil
}

// store saves an object. If the disk fails, nothing changes.
func (s *Server) store(obj Object) error {
	k := key{obj.Type, obj.ID}
	before, existed := s.objects[k]
	if !existed && len(s.objects) >= maxObjects {
		return &Error{400, "LimitExceededException", "The account is full."}
	}
	s.objects[k] = obj
	err := s.save()
	if err == nil {
		return nil
	}
	if delete(s.objects, k); existed {
		s.objects[k] = before
	}
	return err
}

// Objects lists all objects of a type, or of every type if typ is empty, by type and id.
func (s *Server) Objects(typ string) []Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Object, 0, len(s.objects))
	for k, obj := range s.objects {
		if typ == "" || typ == k.typ {
			out = append(out, obj.clone())
		}
	}
	slices.SortFunc(out, func(a, b Object) int {
		return strings.Compare(a.Type+"\x00"+a.ID, b.Type+"\x00"+b.ID)
	})
	return out
}

// Object returns one object, without a token or a fault.
func (s *Server) Object(typ, id string) (Object, bool) {
	obj, err := s.read(typ, id)
	return obj.clone(), err == nil
}

// Change sets attributes of an object from outside Terraform (drift). A nil value removes the
// attribute.
func (s *Server) Change(typ, id string, attributes map[string]any) error {
	return s.outside(typ, id, func(obj *Object) {
		obj.Attributes = maps.Clone(obj.Attributes)
		for k, v := range attributes {
			if v == nil {
				delete(obj.Attributes, k)
				continue
			}
			obj.Attributes[k] = v
		}
	})
}

// Fill sets how many objects a bucket contains, or how many images a repository.
func (s *Server) Fill(typ, id string, contents int) error {
	return s.outside(typ, id, func(obj *Object) { obj.Contents = contents })
}

func (s *Server) outside(typ, id string, change func(*Object)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	obj, ok := s.objects[key{typ, id}]
	if !ok {
		return notFound(typ, id)
	}
	change(&obj)
	obj.UpdatedAt = time.Now().UTC()
	return s.store(obj)
}

// Remove deletes an object and its parts from outside Terraform.
func (s *Server) Remove(typ, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	obj, ok := s.objects[key{typ, id}]
	if !ok {
		return notFound(typ, id)
	}
	delete(s.objects, key{typ, id})
	s.dropParts(obj)
	return s.save()
}

// Reset empties the account.
func (s *Server) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects = map[key]Object{}
	return s.save()
}

// clone copies the first level. Deeper values are never changed in place.
func (o Object) clone() Object {
	o.Attributes = maps.Clone(o.Attributes)
	return o
}
