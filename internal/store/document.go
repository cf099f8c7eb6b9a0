package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

const (
	maxDocument = 1 << 20
	maxTries    = 40 // of one change, each with a pause before the next
)

// Doc is a stored request document and what it takes to change it.
type Doc struct {
	Request  lifecycle.Request
	ETag     string
	Archived bool
	Copy     bool // from the cache: it may be outdated until a write with its ETag succeeds
}

// Entry is one document in a listing.
type Entry struct {
	ID       string
	ETag     string
	Modified time.Time
}

// Get reads a document, from requests/ and then from history/.
func (s *Store) Get(ctx context.Context, id string) (Doc, error) {
	key, err := RequestKey(id)
	if err != nil {
		return Doc{}, err
	}
	doc, err := s.read(ctx, key, id)
	if !errors.Is(err, ErrNotFound) {
		return doc, err
	}
	return s.archived(ctx, id)
}

func (s *Store) archived(ctx context.Context, id string) (Doc, error) {
	key, err := HistoryKey(id)
	if err != nil {
		return Doc{}, err
	}
	doc, err := s.read(ctx, key, id)
	if err != nil {
		return doc, err
	}
	doc.Archived = true
	if doc.Request.ArchivedAt == nil { // written before the document itself told
		at := doc.Request.UpdatedAt
		doc.Request.ArchivedAt = &at
	}
	return doc, nil
}

func (s *Store) read(ctx context.Context, key, id string) (Doc, error) {
	doc, _, err := s.readBytes(ctx, key, id)
	return doc, err
}

func (s *Store) readBytes(ctx context.Context, key, id string) (Doc, []byte, error) {
	o, err := s.get(ctx, key, maxDocument)
	if err != nil {
		return Doc{}, nil, err
	}
	r, err := decodeRequest(o.data)
	if err != nil {
		return Doc{}, nil, fmt.Errorf("read %s: %w", key, err)
	}
	if r.ID != id {
		return Doc{}, nil, fmt.Errorf("read %s: it holds the document of %q: %w", key, r.ID, ErrUnreadable)
	}
	return Doc{Request: r, ETag: o.etag}, o.data, nil
}

// renew reads a document like Get, and puts it over the copy, which may be outdated.
func (s *Store) renew(ctx context.Context, id string) (Doc, error) {
	key, err := RequestKey(id)
	if err != nil {
		return Doc{}, err
	}
	doc, data, err := s.readBytes(ctx, key, id)
	if errors.Is(err, ErrNotFound) {
		return s.archived(ctx, id)
	}
	if err == nil {
		s.wrote(ctx, doc, data)
	}
	return doc, err
}

func decodeRequest(data []byte) (lifecycle.Request, error) {
	var r lifecycle.Request
	if err := lifecycle.Decode(data, &r); err != nil {
		return lifecycle.Request{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if r.Schema > lifecycle.Schema {
		return lifecycle.Request{}, fmt.Errorf("schema %d: %w", r.Schema, ErrSchema)
	}
	return r, nil
}

func encodeRequest(r lifecycle.Request) ([]byte, error) {
	data, err := lifecycle.Encode(r)
	if err != nil {
		return nil, err
	}
	if len(data) > maxDocument {
		return nil, fmt.Errorf("document of %d bytes: %w", len(data), ErrTooLarge)
	}
	return data, nil
}

// Create stores a new document. When the id is taken, be it by a document that is
// archived by now, it returns the stored document and ErrExists.
func (s *Store) Create(ctx context.Context, r lifecycle.Request) (Doc, error) {
	key, err := RequestKey(r.ID)
	if err != nil {
		return Doc{}, err
	}
	switch old, err := s.archived(ctx, r.ID); {
	case err == nil:
		return old, fmt.Errorf("create %s: %w", r.ID, ErrExists)
	case !errors.Is(err, ErrNotFound):
		return Doc{}, fmt.Errorf("create %s: %w", r.ID, err)
	}
	r.WriteNonce = newNonce()
	data, err := encodeRequest(r)
	if err != nil {
		return Doc{}, fmt.Errorf("create %s: %w", r.ID, err)
	}
	for try := range maxTries {
		etag, err := s.create(ctx, key, data)
		if err == nil {
			doc := Doc{Request: r, ETag: etag}
			s.wrote(ctx, doc, data)
			return doc, nil
		}
		if !mayRepeat(err) || try == maxTries-1 {
			return Doc{}, err
		}
		switch doc, readErr := s.read(ctx, key, r.ID); {
		case readErr == nil && doc.Request.WriteNonce == r.WriteNonce:
			return doc, nil
		case readErr == nil:
			return doc, fmt.Errorf("create %s: %w", r.ID, ErrExists)
		case !errors.Is(readErr, ErrNotFound) && !errors.Is(readErr, errUnknown):
			return Doc{}, readErr
		}
		if err := pause(ctx, try); err != nil {
			return Doc{}, fmt.Errorf("create %s: %w", r.ID, err)
		}
	}
	return Doc{}, fmt.Errorf("create %s: %w", r.ID, ErrConflict)
}

// Update reads the document and applies the patch; see Patch.
func (s *Store) Update(ctx context.Context, id string, actor lifecycle.Actor, patch lifecycle.Patch) (Doc, error) {
	doc, err := s.Get(ctx, id)
	if err != nil {
		return Doc{}, err
	}
	return s.Patch(ctx, doc, actor, patch)
}

// Patch applies the patch to the document in hand, without reading it first, and
// writes the result if it is still the stored one; otherwise it takes the newer one
// and applies the patch again. A patch that changes nothing writes nothing. With an
// error it returns the newest document it saw, so that a refusal can be explained.
// It never concludes from a copy that nothing changes or that the patch refuses.
func (s *Store) Patch(ctx context.Context, doc Doc, actor lifecycle.Actor, patch lifecycle.Patch) (Doc, error) {
	key, err := RequestKey(doc.Request.ID)
	if err != nil {
		return doc, err
	}
	var nonces []string // of every write of this call whose answer was not a success
	for try := range maxTries {
		if doc.Archived {
			return doc, fmt.Errorf("change %s: %w", doc.Request.ID, ErrArchived)
		}
		next, changed, err := commit(doc, actor, patch)
		if doc.Copy && (err != nil || !changed) {
			if doc, err = s.renew(ctx, doc.Request.ID); err != nil {
				return doc, err
			}
			continue
		}
		if err != nil || !changed {
			return doc, err
		}
		data, err := encodeRequest(next.Request)
		if err != nil {
			return doc, fmt.Errorf("change %s: %w", doc.Request.ID, err)
		}
		next.ETag, err = s.replace(ctx, key, doc.ETag, data)
		if err == nil {
			s.wrote(ctx, next, data)
			return next, nil
		}
		if !mayRepeat(err) || try == maxTries-1 {
			return doc, err
		}
		nonces = append(nonces, next.Request.WriteNonce)
		if doc, err = s.reread(ctx, doc, err, try); err != nil {
			return doc, err
		}
		if slices.Contains(nonces, doc.Request.WriteNonce) {
			return doc, nil
		}
	}
	return doc, fmt.Errorf("change %s: %w", doc.Request.ID, ErrConflict)
}

func commit(doc Doc, actor lifecycle.Actor, patch lifecycle.Patch) (Doc, bool, error) {
	after, changed, err := lifecycle.Commit(doc.Request, patch, actor, time.Now().UTC())
	if err != nil || !changed {
		return doc, false, err
	}
	after.WriteNonce = newNonce()
	return Doc{Request: after}, true, nil
}

// reread waits a little and reads the document after a write without success. When S3
// refused the write, the copy of the one who was first is enough if it is newer: the next
// write proves it. A read without an answer leaves the old one, whose ETag the next write
// proves wrong if it is.
func (s *Store) reread(ctx context.Context, old Doc, failed error, try int) (Doc, error) {
	if err := pause(ctx, try); err != nil {
		return old, fmt.Errorf("change %s: %w", old.Request.ID, err)
	}
	if errors.Is(failed, errRefused) {
		if doc, ok := s.Cached(ctx, old.Request.ID); ok && doc.Request.Version > old.Request.Version {
			return doc, nil
		}
	}
	doc, err := s.Get(ctx, old.Request.ID)
	if errors.Is(err, errUnknown) && ctx.Err() == nil {
		return old, nil
	}
	if err != nil {
		return old, err
	}
	return doc, nil
}

// Archive moves a settled document to history/: it writes the copy, then deletes
// the original if no one changed it meanwhile (ErrConflict otherwise). It may be
// repeated after a crash at any point.
func (s *Store) Archive(ctx context.Context, doc Doc) (Doc, error) {
	if doc.Archived {
		return doc, nil
	}
	id := doc.Request.ID
	key, err := RequestKey(id)
	if err != nil {
		return doc, err
	}
	copied := doc.Request
	at := time.Now().UTC()
	copied.ArchivedAt = &at
	stored, err := s.putHistory(ctx, copied)
	if err != nil {
		return doc, fmt.Errorf("archive %s: %w", id, err)
	}
	if err := s.removeSure(ctx, key, doc.ETag); err != nil {
		return doc, fmt.Errorf("archive %s: %w", id, err)
	}
	if data, err := encodeRequest(stored.Request); err == nil {
		s.wrote(ctx, stored, data)
	}
	return stored, nil
}

// putHistory writes the copy. A copy that an archiving left which was then
// overtaken by a change of the original is replaced; a newer one never is.
func (s *Store) putHistory(ctx context.Context, r lifecycle.Request) (Doc, error) {
	key, err := HistoryKey(r.ID)
	if err != nil {
		return Doc{}, err
	}
	data, err := encodeRequest(r)
	if err != nil {
		return Doc{}, err
	}
	for try := range maxTries {
		etag, err := s.create(ctx, key, data)
		if err == nil {
			return Doc{Request: r, ETag: etag, Archived: true}, nil
		}
		if !mayRepeat(err) {
			return Doc{}, err
		}
		stored, err := s.read(ctx, key, r.ID)
		switch {
		case err == nil && stored.Request.WriteNonce == r.WriteNonce:
			stored.Archived = true
			return stored, nil
		case err == nil && stored.Request.Version >= r.Version:
			return Doc{}, fmt.Errorf("history holds version %d: %w", stored.Request.Version, ErrConflict)
		case err == nil:
			if etag, err = s.replace(ctx, key, stored.ETag, data); err == nil {
				return Doc{Request: r, ETag: etag, Archived: true}, nil
			}
		}
		if err != nil && !mayRepeat(err) {
			return Doc{}, err
		}
		if err := pause(ctx, try); err != nil {
			return Doc{}, err
		}
	}
	return Doc{}, ErrConflict
}

// removeSure deletes with a condition and repeats what had no answer. An object that
// is gone was deleted by us or by another archiver of the same version; some stores
// call that a refused precondition, so a refusal is looked into.
func (s *Store) removeSure(ctx context.Context, key, etag string) error {
	if etag == "" {
		return fmt.Errorf("delete %s: no ETag to compare: %w", key, ErrConflict)
	}
	var err error
	for try := range 5 {
		err = s.remove(ctx, key, etag)
		switch {
		case err == nil:
			return nil
		case !mayRepeat(err):
			return err
		case errors.Is(err, errRefused):
			o, readErr := s.get(ctx, key, maxDocument)
			if errors.Is(readErr, ErrNotFound) {
				return nil
			}
			if readErr == nil && o.etag != etag {
				return fmt.Errorf("%w: %w", ErrConflict, err)
			}
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
	return err
}

// List pages through the live documents, requests/.
func (s *Store) List(ctx context.Context) iter.Seq2[Entry, error] {
	return s.entries(ctx, PrefixRequests)
}

// ListArchived pages through history/.
func (s *Store) ListArchived(ctx context.Context) iter.Seq2[Entry, error] {
	return s.entries(ctx, PrefixHistory)
}

// entries leaves out keys that are not documents; someone else put them there.
func (s *Store) entries(ctx context.Context, prefix string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for o, err := range s.list(ctx, prefix) {
			if err != nil {
				yield(Entry{}, err)
				return
			}
			id, ok := idOf(o.key, prefix)
			if ok && !yield(Entry{ID: id, ETag: o.etag, Modified: o.modified}, nil) {
				return
			}
		}
	}
}
