package queue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
)

func testRow(n int) Row {
	env := []string{"dev/app", "prod/app"}[n%2]
	project := []string{"core", "payments"}[n/2%2]
	at := time.UnixMilli(1_700_000_000_000 + int64(n/3)*1000).UTC() // three share a time
	return Row{
		ID: fmt.Sprintf("req_%013d", n), Version: 1, Title: fmt.Sprint("row ", n), Module: "s3-bucket", Project: project,
		Environment: env, Requester: []string{"dana", "Ana", "omar"}[n%3], Settled: n%5 == 0, CreatedAt: at, UpdatedAt: at,
	}
}

func testRows(n int) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for i := range n {
			if !yield(testRow(i), nil) {
				return
			}
		}
	}
}

// every reads a list to its end in pages.
func listAll(t *testing.T, x *Index, q Query) []string {
	t.Helper()
	var ids []string
	for range 1000 {
		page, err := x.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Rows {
			ids = append(ids, r.ID)
		}
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return ids
		}
	}
	t.Fatal("the list never ends")
	return nil
}

// model is the list by the plainest means.
func model(n int, keep func(Row) bool) []string {
	var all []Row
	for i := range n {
		if r := testRow(i); keep(r) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b Row) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		if a.ID > b.ID {
			return -1
		}
		return 1
	})
	var ids []string
	for _, r := range all {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestListsEqualTheModel(t *testing.T) {
	const n = 300
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		x := NewIndex(r)
		if err := x.Rebuild(t.Context(), testRows(n)); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name string
			q    Query
			keep func(Row) bool
		}{
			{"all", Query{}, func(Row) bool { return true }},
			{"small pages", Query{Limit: 7}, func(Row) bool { return true }},
			{"one page", Query{Limit: 1000}, func(Row) bool { return true }},
			{"requester without case", Query{Requester: "aNA"}, func(r Row) bool { return r.Requester == "Ana" }},
			{"open", Query{Open: true, Limit: 11}, func(r Row) bool { return !r.Settled }},
			{"all of it", Query{Open: true, Requester: "dana", Limit: 2}, func(r Row) bool {
				return !r.Settled && r.Requester == "dana"
			}},
			{"vic's", Query{Requester: "vic"}, func(Row) bool { return false }},
		} {
			if diff := cmp.Diff(model(n, c.keep), listAll(t, x, c.q)); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
			}
		}
	})
}

// A counted page says where it is in the list, and continues only if more rows follow.
func TestCountedPages(t *testing.T) {
	const n = 300
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		x := NewIndex(r)
		if err := x.Rebuild(t.Context(), testRows(n)); err != nil {
			t.Fatal(err)
		}
		open := func(r Row) bool { return !r.Settled }
		want := model(n, open)
		for _, limit := range []int{7, len(want)} {
			var got []string
			q := Query{Limit: limit, Count: true, Select: open}
			for more := true; more; more = q.Cursor != "" {
				page, err := x.List(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				if page.Total != len(want) || page.Before != len(got) || page.Partial || len(page.Rows) == 0 {
					t.Errorf("after %d: total %d, before %d, %d rows", len(got), page.Total, page.Before, len(page.Rows))
				}
				for _, r := range page.Rows {
					got = append(got, r.ID)
				}
				q.Cursor = page.Cursor
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
	})
}

func TestOneMillisecondManyRows(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		x := NewIndex(r)
		at := time.UnixMilli(1_700_000_000_000)
		same := func(yield func(Row, error) bool) {
			for i := range 450 {
				if r := testRow(i); !yield(Row{ID: r.ID, Version: 1, CreatedAt: at}, nil) {
					return
				}
			}
		}
		if err := x.Rebuild(t.Context(), same); err != nil {
			t.Fatal(err)
		}
		ids := listAll(t, x, Query{Limit: 200})
		slices.Sort(ids)
		if got := len(slices.Compact(ids)); got != 450 {
			t.Errorf("%d of 450", got)
		}
	})
}

// Without the mark of a finished rebuild, a list has what was put so far, and is marked as not
// complete.
func TestListWithoutMarkerIsRebuilding(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		x := NewIndex(r)
		assert := func(when string, want int, rebuilding bool) {
			t.Helper()
			page, err := x.List(t.Context(), Query{})
			if err != nil || len(page.Rows) != want || page.Rebuilding != rebuilding {
				t.Errorf("%s: %d rows, rebuilding %v, %v", when, len(page.Rows), page.Rebuilding, err)
			}
		}
		assert("nothing was put", 0, true)
		if err := x.Put(t.Context(), testRow(5)); err != nil {
			t.Fatal(err)
		}
		assert("before a rebuild", 1, true)
		during := func(yield func(Row, error) bool) {
			for i := range 5 {
				if assert("during it", max(1, i), true); !yield(testRow(i+5), nil) {
					return
				}
			}
		}
		if err := x.Rebuild(t.Context(), during); err != nil {
			t.Fatal(err)
		}
		assert("after it", 5, false)
		m.FlushAll()
		assert("after a flush", 0, true)
	})
}

func TestRebuildThatFailsLeavesNoMark(t *testing.T) {
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		during func(m *miniredis.Miniredis) error
		want   error
	}{
		"the source fails": {func(*miniredis.Miniredis) error { return boom }, boom},
		"redis is emptied": {func(m *miniredis.Miniredis) error { m.FlushAll(); return nil }, ErrRebuilding},
		"too slow":         {func(*miniredis.Miniredis) error { time.Sleep(2 * time.Minute); return nil }, ErrRebuilding},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
				x := NewIndex(r)
				seq := func(yield func(Row, error) bool) {
					_ = yield(testRow(1), nil) && yield(testRow(2), c.during(m)) && yield(testRow(3), nil)
				}
				if err := x.Rebuild(t.Context(), seq); !errors.Is(err, c.want) {
					t.Errorf("got %v", err)
				}
				if built, err := x.Built(t.Context()); built || err != nil {
					t.Errorf("marked as complete, %v", err)
				}
				time.Sleep(time.Second)
				if err := x.Rebuild(t.Context(), testRows(3)); err != nil {
					t.Errorf("the next rebuild: %v", err)
				}
			})
		})
	}
}

func TestOneRebuildAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		x := NewIndex(r)
		seq := func(yield func(Row, error) bool) {
			if err := x.Rebuild(t.Context(), testRows(1)); !errors.Is(err, ErrRebuilding) {
				t.Errorf("a second one ran: %v", err)
			}
			yield(testRow(1), nil)
		}
		if err := x.Rebuild(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOlderRowsDoNotReturn(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		x := NewIndex(r)
		newer := testRow(1)
		newer.Version, newer.Status, newer.Settled = 9, "applied", true
		racing := func(yield func(Row, error) bool) {
			if err := x.Put(t.Context(), newer); err != nil {
				t.Error(err)
			}
			yield(testRow(1), nil) // what was read before that
		}
		if err := x.Rebuild(t.Context(), racing); err != nil {
			t.Fatal(err)
		}
		page, err := x.List(t.Context(), Query{})
		if err != nil || len(page.Rows) != 1 || page.Rows[0].Status != "applied" {
			t.Errorf("%+v %v", page, err)
		}
		if got := listAll(t, x, Query{Open: true}); len(got) != 0 {
			t.Errorf("open: %q", got)
		}
		newer.Version, newer.Settled = 10, false
		if err := x.Put(t.Context(), newer); err != nil {
			t.Fatal(err)
		}
		if got := listAll(t, x, Query{Open: true}); len(got) != 1 {
			t.Errorf("open again: %q", got)
		}
	})
}

func TestForeignCursor(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		x := NewIndex(r)
		if err := x.Rebuild(t.Context(), testRows(1)); err != nil {
			t.Fatal(err)
		}
		for _, c := range []string{"x", "-", "zz-../..", "!-" + reqA, "0-req_1"} {
			if _, err := x.List(t.Context(), Query{Cursor: c}); !errors.Is(err, ErrCursor) {
				t.Errorf("%q: %v", c, err)
			}
		}
	})
}

func TestPutIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := NewIndex(r).Put(ctx, testRow(1)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if err := NewIndex(r).Put(t.Context(), Row{ID: "x"}); err == nil {
			t.Error("a row without an id was taken")
		}
	})
}
