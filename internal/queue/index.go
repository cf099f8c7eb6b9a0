package queue

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// ErrRebuilding means that another process rebuilds the index, or that this rebuild was lost.
var ErrRebuilding = errors.New("the index is being rebuilt")

const (
	// indexPrefix holds the version of the row; another version is another index.
	indexPrefix  = prefix + "index:2:"
	rebuildLease = time.Minute
	rebuildBatch = 100
	listLimit    = 50
	maxScan      = 5000 // rows that one List reads
)

// MaxListLimit is the most rows of one page.
const MaxListLimit = 200

// Query selects rows, newest first. Empty fields select everything.
type Query struct {
	Limit     int // 50 when zero, at most 200
	Cursor    string
	Requester string // GitHub login
	Open      bool   // without what is settled
	Select    func(Row) bool
	Count     bool // fill in Total, Before and Partial, which reads the whole list
}

// Page is a part of a list. Cursor continues it; "" ends it.
type Page struct {
	Rows    []Row
	Cursor  string
	Total   int  // rows that the query selects
	Before  int  // of them, rows before this page
	Partial bool // older rows than the newest maxScan were not counted

	Rebuilding bool // the index is not complete: rows may be missing
}

// Index is what lists are read from.
type Index struct{ redis *Redis }

// NewIndex makes an index.
func NewIndex(r *Redis) *Index { return &Index{r} }

// putRow writes a row and returns an empty text, unless the index has a newer version, which it
// then returns. A version that the document was found not to have is ignored. KEYS: rows,
// versions, open, sets to be in. ARGV: id, version, score, row, settled, the version that does
// not count.
var putRow = redis.NewScript(`
local seen = redis.call('HGET', KEYS[2], ARGV[1]) or '-1'
if (tonumber(seen) or -1) > tonumber(ARGV[2]) and seen ~= ARGV[6] then return seen end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
for i = 4, #KEYS do redis.call('ZADD', KEYS[i], ARGV[3], ARGV[1]) end
if ARGV[5] == '1' then redis.call('ZREM', KEYS[3], ARGV[1])
else redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1]) end
return ''`)

// Put writes a row. An older version than the one there changes nothing.
func (x *Index) Put(ctx context.Context, r Row) error {
	_, err := x.put(ctx, r, "")
	return err
}

// Verify writes a row over the same version, whatever the index holds. newer is the version
// of the index when it is newer than the row's.
func (x *Index) Verify(ctx context.Context, r Row) (newer string, err error) {
	return x.put(ctx, r, "")
}

// Correct writes a row over a version that its document does not have.
func (x *Index) Correct(ctx context.Context, r Row, wrong string) error {
	_, err := x.put(ctx, r, wrong)
	return err
}

func (x *Index) put(ctx context.Context, r Row, wrong string) (newer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	if err := checkName(lifecycle.NameRequest.Valid, r.ID); err != nil {
		return "", fmt.Errorf("index: %w", err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("index %s: %w", r.ID, err)
	}
	settled := "0"
	if r.Settled {
		settled = "1"
	}
	keys := []string{indexPrefix + "rows", indexPrefix + "versions", setOpen, setAll, setOf(r.Requester)}
	args := []any{r.ID, r.Version, r.CreatedAt.UnixMilli(), data, settled, wrong}
	newer, err = putRow.Run(ctx, x.redis.client, keys, args...).Text()
	if err != nil {
		return "", fmt.Errorf("index %s: %w", r.ID, err)
	}
	return newer, nil
}

// Unsettled lists up to maxScan ids that the index has as not settled, the oldest first.
func (x *Index) Unsettled(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	ids, err := x.redis.client.ZRange(ctx, setOpen, 0, maxScan-1).Result()
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	return ids, nil
}

// Drop removes a row without a document.
func (x *Index) Drop(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	_, err := x.redis.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.HDel(ctx, indexPrefix+"rows", id)
		p.HDel(ctx, indexPrefix+"versions", id)
		p.ZRem(ctx, setOpen, id)
		p.ZRem(ctx, setAll, id)
		return nil
	})
	if err != nil {
		return fmt.Errorf("drop %.40s from the index: %w", id, err)
	}
	return nil
}

const (
	setAll    = indexPrefix + "all"
	setOpen   = indexPrefix + "open"
	marker    = indexPrefix + "built"
	rebuildBy = indexPrefix + "rebuilding"
)

func setOf(requester string) string {
	return indexPrefix + "requester:" + lifecycle.FoldLogin(requester)
}

// set returns the smallest set that contains everything that q selects.
func (q Query) set() string {
	switch {
	case q.Requester != "":
		return setOf(q.Requester)
	case q.Open:
		return setOpen
	default:
		return setAll
	}
}

func (q Query) selects(r Row) bool {
	return (q.Requester == "" || lifecycle.SameLogin(r.Requester, q.Requester)) && (!q.Open || !r.Settled) &&
		(q.Select == nil || q.Select(r))
}

func (q Query) limit() int {
	if q.Limit <= 0 {
		return listLimit
	}
	return min(q.Limit, MaxListLimit)
}

// List returns a page. While the index is not complete, the page contains what was indexed so
// far.
func (x *Index) List(ctx context.Context, q Query) (Page, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	at, err := parseCursor(q.Cursor)
	if err != nil {
		return Page{}, err
	}
	built, err := x.Built(ctx)
	if err != nil {
		return Page{}, err
	}
	if q.Count {
		page, err := x.count(ctx, q, at)
		page.Rebuilding = !built
		return page, err
	}
	page := Page{Rebuilding: !built}
	for range maxScan / MaxListLimit {
		rows, next, err := x.scan(ctx, q.set(), at)
		if err != nil {
			return Page{}, err
		}
		for _, r := range rows {
			at = cursor{r.CreatedAt.UnixMilli(), r.ID}
			if !q.selects(r) {
				continue
			}
			if page.Rows = append(page.Rows, r); len(page.Rows) == q.limit() {
				page.Cursor = at.String()
				return page, nil
			}
		}
		if at = next; at == (cursor{}) {
			return page, nil
		}
	}
	page.Cursor = at.String()
	return page, nil
}

// count returns the page after a cursor, and how many rows the query selects before and after it.
// A counted page has a cursor only if a row follows.
func (x *Index) count(ctx context.Context, q Query, from cursor) (Page, error) {
	var page Page
	var at, last cursor
	for range maxScan / MaxListLimit {
		rows, next, err := x.scan(ctx, q.set(), at)
		if err != nil {
			return Page{}, err
		}
		for _, r := range rows {
			if !q.selects(r) {
				continue
			}
			page.Total++
			here := cursor{r.CreatedAt.UnixMilli(), r.ID}
			switch {
			case from.id != "" && !here.after(from):
				page.Before++
			case len(page.Rows) < q.limit():
				page.Rows, last = append(page.Rows, r), here
			default:
				page.Cursor = last.String()
			}
		}
		if at = next; at == (cursor{}) {
			return page, nil
		}
	}
	page.Partial = true
	return page, nil
}

// scan reads the rows of a set that come after a cursor, newest first. next is
// zero at the end.
func (x *Index) scan(ctx context.Context, set string, at cursor) (rows []Row, next cursor, err error) {
	top := "+inf"
	if at.id != "" {
		top = strconv.FormatInt(at.score, 10)
	}
	members, err := x.after(ctx, set, top, at)
	if err != nil || len(members) == 0 {
		return nil, cursor{}, err
	}
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = m.id
	}
	values, err := x.redis.client.HMGet(ctx, indexPrefix+"rows", ids...).Result()
	if err != nil {
		return nil, cursor{}, fmt.Errorf("read index: %w", err)
	}
	for _, v := range values {
		var r Row
		if text, ok := v.(string); ok && json.Unmarshal([]byte(text), &r) == nil {
			rows = append(rows, r)
		}
	}
	return rows, members[len(members)-1], nil
}

// after returns up to MaxListLimit members after a cursor. Members with the cursor's score are
// read again and skipped.
func (x *Index) after(ctx context.Context, set, top string, at cursor) ([]cursor, error) {
	var found []cursor
	for offset := int64(0); offset < maxScan; offset += MaxListLimit {
		zs, err := x.redis.client.ZRevRangeByScoreWithScores(ctx, set, &redis.ZRangeBy{
			Min: "-inf", Max: top, Offset: offset, Count: MaxListLimit,
		}).Result()
		if err != nil {
			return nil, fmt.Errorf("read index: %w", err)
		}
		for _, z := range zs {
			id, _ := z.Member.(string)
			c := cursor{int64(z.Score), id}
			if at.id == "" || c.after(at) {
				found = append(found, c)
			}
		}
		if len(found) > 0 || len(zs) < MaxListLimit {
			return found, nil
		}
	}
	return found, nil
}

// cursor is a position in a list: after the member with this score and id. Members with equal
// scores are in descending order of their ids.
type cursor struct {
	score int64
	id    string
}

// after reports whether c comes after another member in a list.
func (c cursor) after(other cursor) bool {
	return c.score < other.score || c.score == other.score && c.id < other.id
}

func (c cursor) String() string { return strconv.FormatInt(c.score, 36) + "-" + c.id }

// ErrCursor means that List did not make this cursor.
var ErrCursor = errors.New("unknown cursor")

func parseCursor(s string) (cursor, error) {
	if s == "" {
		return cursor{}, nil
	}
	score, id, ok := strings.Cut(s, "-")
	n, err := strconv.ParseInt(score, 36, 64)
	if !ok || err != nil || !lifecycle.NameRequest.Valid(id) {
		return cursor{}, fmt.Errorf("%.60q: %w", s, ErrCursor)
	}
	return cursor{n, id}, nil
}

// Built reports whether the index is complete.
func (x *Index) Built(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	n, err := x.redis.client.Exists(ctx, marker).Result()
	if err != nil {
		return false, fmt.Errorf("read index: %w", err)
	}
	return n == 1, nil
}

// finishRebuild sets the marker if the rebuild is still the one that runs: a Redis
// that was emptied half-way has forgotten both it and the rows before.
var finishRebuild = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[1])
return 1`)

// extendRebuild keeps the rebuild's lease.
var extendRebuild = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`)

// Rebuild puts every row that rows yields and then marks the index as complete. An
// error from rows ends it without the mark. While another process rebuilds, it is
// ErrRebuilding. Rows that are put at the same time win if they are newer.
func (x *Index) Rebuild(ctx context.Context, rows iter.Seq2[Row, error]) error {
	token := rand.Text()
	got, err := takeLock.Run(ctx, x.redis.client, []string{rebuildBy}, token, rebuildLease.Milliseconds()).Int()
	if err != nil {
		return fmt.Errorf("rebuild index: %w", err)
	}
	if got == 0 {
		return ErrRebuilding
	}
	n := 0
	for r, err := range rows {
		if err == nil {
			err = x.Put(ctx, r)
		}
		if n++; err == nil && n%rebuildBatch == 0 {
			err = x.held(ctx, extendRebuild, []string{rebuildBy}, token, rebuildLease.Milliseconds())
		}
		if err != nil {
			x.giveUp(ctx, token)
			return fmt.Errorf("rebuild index: %w", err)
		}
	}
	return x.held(ctx, finishRebuild, []string{rebuildBy, marker}, token)
}

// held runs a script that returns 0 if this process no longer owns the rebuild.
func (x *Index) held(ctx context.Context, script *redis.Script, keys []string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	got, err := script.Run(ctx, x.redis.client, keys, args...).Int()
	switch {
	case err != nil:
		return fmt.Errorf("rebuild index: %w", err)
	case got == 0:
		return fmt.Errorf("rebuild index: taken over or emptied meanwhile: %w", ErrRebuilding)
	default:
		return nil
	}
}

// giveUp lets the next rebuild start at once.
func (x *Index) giveUp(ctx context.Context, token string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), opTimeout)
	defer cancel()
	_ = extendRebuild.Run(ctx, x.redis.client, []string{rebuildBy}, token, 1).Err()
}
