package queue

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

func TestCache(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		ctx, c := context.Background(), NewCache(r, []byte("a key"))
		c.Put(ctx, reqA, `"e1"`, []byte("one"))
		c.Put(ctx, reqA, `"e2"`, []byte("two"))
		for _, reader := range []*Cache{c, NewCache(r, []byte("a key"))} {
			if etag, data, ok := reader.Get(ctx, reqA); !ok || etag != `"e2"` || string(data) != "two" {
				t.Errorf("%q %q %v", etag, data, ok)
			}
		}
		if _, _, ok := c.Get(ctx, reqB); ok {
			t.Error("a document that was never put")
		}
		c.Put(ctx, reqB, `"e1"`, bytes.Repeat([]byte("x"), maxCached+1))
		if _, _, ok := c.Get(ctx, reqB); ok {
			t.Error("a document that is too large")
		}
		if left := m.TTL(cachePrefix + reqA); left != CacheFor {
			t.Errorf("it stays %s", left)
		}
	})
}

// What another process plants in Redis is not a document: not other bytes, not the bytes of
// another request, not with another ETag, not under another key.
func TestPlantedDocumentsAreNotRead(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		ctx, c := context.Background(), NewCache(r, []byte("a key"))
		c.Put(ctx, reqA, `"e1"`, []byte("genuine"))
		genuine, err := m.Get(cachePrefix + reqA)
		if err != nil {
			t.Fatal(err)
		}
		plant := func(id, value string) {
			t.Helper()
			if err := m.Set(cachePrefix+id, value); err != nil {
				t.Fatal(err)
			}
			if _, data, ok := c.Get(ctx, id); ok {
				t.Errorf("%.60q is read as %q", value, data)
			}
		}
		for i := range genuine {
			plant(reqA, genuine[:i]+string(genuine[i]^1)+genuine[i+1:])
			plant(reqA, genuine[:i])
		}
		plant(reqA, genuine+"x")
		plant(reqB, genuine)
		plant(reqA, string(NewCache(r, []byte("another key")).seal(reqA, `"e1"`, []byte("forged"))))
		plant(reqA, string(bytes.Repeat([]byte("x"), 4*maxCached)))
	})
}

// A Redis that does not answer costs one wait, not one for each document.
func TestCacheInAnOutage(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		ctx, c := context.Background(), NewCache(r, []byte("a key"))
		c.Put(ctx, reqA, `"e1"`, []byte("one"))
		m.SetError("LOADING Redis is loading the dataset in memory")
		from := time.Now()
		for range 100 {
			c.Put(ctx, reqA, `"e2"`, []byte("two"))
			if _, _, ok := c.Get(ctx, reqA); ok {
				t.Error("an answer in an outage")
			}
		}
		if took := time.Since(from); took > 2*cacheTimeout {
			t.Errorf("%s for 100 documents", took)
		}
		m.SetError("")
		time.Sleep(cacheOff)
		if _, data, ok := c.Get(ctx, reqA); !ok || string(data) != "one" {
			t.Errorf("after the outage: %q %v", data, ok)
		}
	})
}

// An answer that is remembered is read by everyone with the key. A planted one, one of another
// question, and a document under its key are not.
func TestPlantedAnswersAreNotRead(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		ctx, c := context.Background(), NewCache(r, []byte("a key"))
		c.Remember(ctx, "reviewless:"+reqA, "7 at noon")
		if got := NewCache(r, []byte("a key")).Recall(ctx, "reviewless:"+reqA); got != "7 at noon" {
			t.Errorf("read %q", got)
		}
		genuine, err := m.Get(recallPrefix + "reviewless:" + reqA)
		if err != nil {
			t.Fatal(err)
		}
		for _, planted := range []string{
			"", "7 at noon", genuine, genuine[:len(genuine)-1], string(NewCache(r, []byte("another key")).seal("answer reviewless:req_b", "7 at noon", nil)),
			string(c.seal("reviewless:req_b", "7 at noon", nil)),
		} {
			if err := m.Set(recallPrefix+"reviewless:req_b", planted); err != nil {
				t.Fatal(err)
			}
			if got := c.Recall(ctx, "reviewless:req_b"); got != "" {
				t.Errorf("read the planted %q: %q", planted, got)
			}
		}
		var none *Cache
		none.Remember(ctx, "reviewless:"+reqA, "8 at noon")
		if got := none.Recall(ctx, "reviewless:"+reqA); got != "" {
			t.Errorf("no cache answered %q", got)
		}
	})
}
