package queue

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"sync/atomic"
	"time"
)

const (
	// CacheFor is how long a document stays in the cache after it was written: longer than a request
	// waits for its turn on a busy day.
	CacheFor = 6 * time.Hour

	maxCached    = 32 << 10    // a larger document is read from S3
	cacheTimeout = time.Second // of one operation: S3 answers about as soon
	cacheOff     = 10 * time.Second
)

// Cache keeps documents as some process wrote them last, so that the others need not read
// them from S3. A document in it may be outdated or missing at any time. It is authentic:
// anyone may have written what is in Redis, so it carries a MAC over its id,
// its ETag and its bytes.
type Cache struct {
	redis *Redis
	key   []byte
	off   atomic.Int64 // Unix milliseconds until when Redis is not asked, after it did not answer
}

// NewCache makes a cache for those who have the key.
func NewCache(r *Redis, key []byte) *Cache { return &Cache{redis: r, key: key} }

const cachePrefix = prefix + "document:"

// Put keeps a document that was just written. A failure only costs a read later.
func (c *Cache) Put(ctx context.Context, id, etag string, data []byte) {
	if len(data) > maxCached || len(etag) > maxETag || !c.on() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	c.heard(c.redis.client.Set(ctx, cachePrefix+id, c.seal(id, etag, data), CacheFor).Err())
}

// Get returns the document as it was put last, and its ETag.
func (c *Cache) Get(ctx context.Context, id string) (etag string, data []byte, ok bool) {
	if !c.on() {
		return "", nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	sealed, err := c.redis.client.GetRange(ctx, cachePrefix+id, 0, maxCached+maxETag+sealSize).Bytes()
	c.heard(err)
	if err != nil {
		return "", nil, false
	}
	return c.unseal(id, sealed)
}

// on reports whether Redis may be asked: an outage must not slow down every write. A nil cache
// keeps nothing.
func (c *Cache) on() bool { return c != nil && time.Now().UnixMilli() >= c.off.Load() }

func (c *Cache) heard(err error) {
	if err != nil {
		c.off.Store(time.Now().Add(cacheOff).UnixMilli())
	}
}

// A sealed document is its MAC, the length of its ETag in two bytes, the ETag and the data.
const (
	sealSize = sha256.Size + 2
	maxETag  = 1 << 10
)

func (c *Cache) seal(id, etag string, data []byte) []byte {
	body := binary.BigEndian.AppendUint16(nil, uint16(len(etag)))
	body = append(append(body, etag...), data...)
	return append(c.mac(id, body), body...)
}

func (c *Cache) unseal(id string, sealed []byte) (etag string, data []byte, ok bool) {
	if len(sealed) < sealSize || !hmac.Equal(sealed[:sha256.Size], c.mac(id, sealed[sha256.Size:])) {
		return "", nil, false
	}
	rest := sealed[sealSize:]
	n := int(binary.BigEndian.Uint16(sealed[sha256.Size:]))
	if n > len(rest) {
		return "", nil, false
	}
	return string(rest[:n]), rest[n:], true
}

func (c *Cache) mac(id string, body []byte) []byte {
	m := hmac.New(sha256.New, c.key)
	m.Write([]byte("tfpilot document " + id + "\n"))
	m.Write(body)
	return m.Sum(nil)
}
