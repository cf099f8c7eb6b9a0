package store

import "context"

// Cache keeps documents as they were written last, where other processes find them. It may
// lose any of them, and give an outdated one; it never gives bytes that were not stored under
// that ETag.
type Cache interface {
	Put(ctx context.Context, id, etag string, data []byte)
	Get(ctx context.Context, id string) (etag string, data []byte, ok bool)
}

// Cached returns a document as some process wrote it last, without a call to S3. A live one may
// be outdated: a listing that holds its ETag, or a write that succeeds with it, proves that
// it is not. Draw no other conclusion from it. An archived one never changes.
func (s *Store) Cached(ctx context.Context, id string) (Doc, bool) {
	if _, err := RequestKey(id); err != nil || s.cache == nil {
		return Doc{}, false
	}
	etag, data, ok := s.cache.Get(ctx, id)
	if !ok || etag == "" {
		return Doc{}, false
	}
	r, err := decodeRequest(data)
	if err != nil || r.ID != id {
		return Doc{}, false
	}
	archived := r.ArchivedAt != nil
	return Doc{Request: r, ETag: etag, Archived: archived, Copy: !archived}, true
}

// wrote lets the other processes know a document that was just written.
func (s *Store) wrote(ctx context.Context, doc Doc, data []byte) {
	if s.cache != nil {
		s.cache.Put(ctx, doc.Request.ID, doc.ETag, data)
	}
}
