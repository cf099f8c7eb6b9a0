package s3

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/atomicfile"
)

const objectSuffix = ".object"

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// Object describes a stored object, without its bytes.
type Object struct {
	Key          string            `json:"key"`
	Size         int               `json:"size"`
	ETag         string            `json:"etag"` // with its quotes
	LastModified time.Time         `json:"lastModified"`
	Header       map[string]string `json:"header,omitempty"` // content type, user metadata, …
	Checksum     checksum          `json:"checksum"`
}

type stored struct {
	Object
	body []byte // never changed after it is stored
}

// objects holds the content of every bucket. One lock covers the check of a condition, the change and
// the write to disk, so that only one of several writers succeeds.
type objects struct {
	dir     string
	mu      sync.Mutex
	buckets map[string]map[string]stored
}

func openObjects(dir string, names []string) (*objects, error) {
	o := &objects{dir: dir, buckets: map[string]map[string]stored{}}
	for _, name := range names {
		if !bucketName.MatchString(name) {
			return nil, fmt.Errorf("bucket name %q is not valid", name)
		}
		o.buckets[name] = map[string]stored{}
		if dir == "" {
			continue
		}
		if err := o.load(name); err != nil {
			return nil, fmt.Errorf("load bucket %s: %w", name, err)
		}
	}
	return o, nil
}

func (o *objects) load(bucket string) error {
	dir := filepath.Join(o.dir, bucket)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.HasSuffix(e.Name(), atomicfile.TempSuffix) { // a write that a crash interrupted
			_ = os.Remove(path)
			continue
		}
		if !strings.HasSuffix(e.Name(), objectSuffix) {
			continue
		}
		obj, err := readObject(path)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		o.buckets[bucket][obj.Key] = obj
	}
	return nil
}

// readObject reads a file: one line of JSON, then the bytes of the object.
func readObject(path string) (stored, error) {
	f, err := os.Open(path)
	if err != nil {
		return stored{}, err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return stored{}, err
	}
	var obj stored
	if err := json.Unmarshal(line, &obj.Object); err != nil {
		return stored{}, err
	}
	obj.body, err = io.ReadAll(in)
	if err == nil && len(obj.body) != obj.Size {
		err = io.ErrUnexpectedEOF
	}
	return obj, err
}

// path returns the file of an object. The file name is a hash of the key, since a key can contain any
// characters; the first line of the file contains the key.
func (o *objects) path(bucket, key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(o.dir, bucket, hex.EncodeToString(sum[:])+objectSuffix)
}

func (o *objects) save(bucket string, obj stored) error {
	if o.dir == "" {
		return nil
	}
	head, err := json.Marshal(obj.Object)
	if err != nil {
		return err
	}
	return atomicfile.Replace(o.path(bucket, obj.Key), slices.Concat(head, []byte("\n"), obj.body))
}

func (o *objects) hasBucket(bucket string) bool {
	_, ok := o.buckets[bucket] // the set of buckets never changes
	return ok
}

func (o *objects) get(bucket, key string) (stored, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	obj, ok := o.buckets[bucket][key]
	return obj, ok
}

// condition decides under the lock whether a write is allowed.
type condition func(current stored, exists bool) error

func (o *objects) put(bucket string, obj stored, ok condition) (stored, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	current, exists := o.buckets[bucket][obj.Key]
	if err := ok(current, exists); err != nil {
		return stored{}, err
	}
	sum := md5.Sum(obj.body)
	obj.ETag = `"` + hex.EncodeToString(sum[:]) + `"`
	obj.Size = len(obj.body)
	obj.LastModified = time.Now().UTC().Truncate(time.Second)
	if err := o.save(bucket, obj); err != nil {
		return stored{}, fmt.Errorf("save object: %w", err)
	}
	o.buckets[bucket][obj.Key] = obj
	return obj, nil
}

// remove reports whether it removed an object.
func (o *objects) remove(bucket, key string, ok condition) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	current, exists := o.buckets[bucket][key]
	if err := ok(current, exists); err != nil || !exists {
		return false, err
	}
	if o.dir != "" {
		if err := os.Remove(o.path(bucket, key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("remove object: %w", err)
		}
	}
	delete(o.buckets[bucket], key)
	return true, nil
}

// list returns the objects after a key that have the prefix, by key.
func (o *objects) list(bucket, prefix, after string) []Object {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []Object
	for key, obj := range o.buckets[bucket] {
		if strings.HasPrefix(key, prefix) && key > after {
			out = append(out, obj.Object)
		}
	}
	slices.SortFunc(out, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// Buckets lists the names of the buckets, sorted.
func (s *Server) Buckets() []string {
	names := make([]string, 0, len(s.objects.buckets))
	for name := range s.objects.buckets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Keys lists the objects of a bucket with a prefix, by key. It checks no permission and counts
// nothing: it is for the program that runs the simulator.
func (s *Server) Keys(bucket, prefix string) []Object {
	return s.objects.list(bucket, prefix, "")
}

// Read returns a copy of an object's bytes. Like Keys, it checks no permission.
func (s *Server) Read(bucket, key string) ([]byte, bool) {
	obj, ok := s.objects.get(bucket, key)
	return bytes.Clone(obj.body), ok
}

// Write stores an object. Like Keys, it checks no permission.
func (s *Server) Write(bucket, key string, data []byte) error {
	_, err := s.objects.put(bucket, stored{Object: Object{Key: key}, body: bytes.Clone(data)}, func(stored, bool) error {
		return nil
	})
	return err
}
