package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Bounds of the small objects and of what a run uploads.
const (
	maxSmall   = 64 << 10
	MaxResult  = 256 << 10
	MaxSummary = 1 << 20
	MaxPlan    = 1 << 20

	onceTries = 8
)

// Names below results/<project>/<correlationId>/.
const (
	resultName  = "result.json"
	summaryName = "summary.json"
	planName    = "plan.txt"
)

// writeOnce creates an object that is never changed. It returns the bytes that
// are stored: its own, or the ones of the first writer.
func (s *Store) writeOnce(ctx context.Context, key string, data []byte, limit int64) ([]byte, error) {
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("put %s: %d bytes: %w", key, len(data), ErrTooLarge)
	}
	var last error
	for try := range onceTries {
		_, err := s.create(ctx, key, data)
		if err == nil {
			return data, nil
		}
		if !mayRepeat(err) {
			return nil, err
		}
		stored, readErr := s.get(ctx, key, limit)
		if readErr == nil {
			return stored.data, nil
		}
		// Denied is also what S3 answers about a missing key to those who may not list.
		if !mayRepeat(readErr) && !errors.Is(readErr, ErrDenied) {
			return nil, readErr
		}
		last = errors.Join(err, readErr)
		if err := pause(ctx, try); err != nil {
			return nil, fmt.Errorf("put %s: %w", key, err)
		}
	}
	return nil, last
}

// writeSame creates an object; if it exists, with these very bytes, that is a
// success.
func (s *Store) writeSame(ctx context.Context, key string, data []byte, limit int64) error {
	stored, err := s.writeOnce(ctx, key, data, limit)
	if err != nil {
		return err
	}
	if !bytes.Equal(stored, data) {
		return fmt.Errorf("put %s: %w", key, ErrExists)
	}
	return nil
}

func (s *Store) readJSON(ctx context.Context, key string, limit int64, v any) error {
	o, err := s.get(ctx, key, limit)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(o.data, v); err != nil {
		return fmt.Errorf("read %s: %w: %w", key, ErrUnreadable, err)
	}
	return nil
}

// Damaged reports that an object can be had but not used: reading it again is of no use.
func Damaged(err error) bool {
	return errors.Is(err, ErrUnreadable) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrSchema)
}

// PutRunIndex records whose a run is. A record that says the same, made at
// another time, stays as it is.
func (s *Store) PutRunIndex(ctx context.Context, x lifecycle.RunIndex) error {
	key, err := RunIndexKey(x.Kind, x.RunID)
	if err != nil {
		return err
	}
	data, err := json.Marshal(x)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	stored, err := s.writeOnce(ctx, key, data, maxSmall)
	if err != nil {
		return err
	}
	var first lifecycle.RunIndex
	if err := json.Unmarshal(stored, &first); err != nil {
		return fmt.Errorf("put %s: %w: %w", key, ErrExists, err)
	}
	if first.RequestID != x.RequestID || first.Environment != x.Environment {
		return fmt.Errorf("put %s: it names %q %q: %w", key, first.RequestID, first.Environment, ErrExists)
	}
	return nil
}

// RunIndex says whose a run is.
func (s *Store) RunIndex(ctx context.Context, kind lifecycle.Kind, runID int64) (lifecycle.RunIndex, error) {
	key, err := RunIndexKey(kind, runID)
	if err != nil {
		return lifecycle.RunIndex{}, err
	}
	var x lifecycle.RunIndex
	err = s.readJSON(ctx, key, maxSmall, &x)
	return x, err
}

// PutPRIndex records whose a pull request is.
func (s *Store) PutPRIndex(ctx context.Context, repoID int64, number int, x lifecycle.PRIndex) error {
	key, err := PRIndexKey(repoID, number)
	if err != nil {
		return err
	}
	data, err := json.Marshal(x)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return s.writeSame(ctx, key, data, maxSmall)
}

// PRIndex says whose a pull request is.
func (s *Store) PRIndex(ctx context.Context, repoID int64, number int) (lifecycle.PRIndex, error) {
	key, err := PRIndexKey(repoID, number)
	if err != nil {
		return lifecycle.PRIndex{}, err
	}
	var x lifecycle.PRIndex
	err = s.readJSON(ctx, key, maxSmall, &x)
	return x, err
}

// HasPulls reports whether TfPilot has opened a pull request in the repository.
func (s *Store) HasPulls(ctx context.Context, repoID int64) (bool, error) {
	if repoID <= 0 {
		return false, nil
	}
	prefix := fmt.Sprintf("%s%d/", PrefixPRIndex, repoID)
	for _, err := range s.list(ctx, prefix) {
		return err == nil, err
	}
	return false, nil
}

// PutGrant lets the run with this correlation id do one thing. The same grant
// again is a success, another one is ErrExists.
func (s *Store) PutGrant(ctx context.Context, project, cid string, g lifecycle.Grant) error {
	key, err := GrantKey(project, cid)
	if err != nil {
		return err
	}
	data, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return s.writeSame(ctx, key, data, maxSmall)
}

// Grant reads a grant; it is never served from anywhere but the bucket.
func (s *Store) Grant(ctx context.Context, project, cid string) (lifecycle.Grant, error) {
	key, err := GrantKey(project, cid)
	if err != nil {
		return lifecycle.Grant{}, err
	}
	var g lifecycle.Grant
	err = s.readJSON(ctx, key, maxSmall, &g)
	return g, err
}

// DeleteGrant takes a grant back; one that is gone is a success.
func (s *Store) DeleteGrant(ctx context.Context, project, cid string) error {
	key, err := GrantKey(project, cid)
	if err != nil {
		return err
	}
	return s.remove(ctx, key, "")
}

// PutClaim takes a correlation id for a run. It reports whether the stored claim is
// this one, byte for byte, and returns the stored one. Without a certain answer
// it is an error, and the run must stop.
func (s *Store) PutClaim(ctx context.Context, project, cid string,
	c lifecycle.Claim) (mine bool, stored lifecycle.Claim, err error) {
	key, err := ClaimKey(project, cid)
	if err != nil {
		return false, stored, err
	}
	data, err := json.Marshal(c)
	if err != nil {
		return false, stored, fmt.Errorf("put %s: %w", key, err)
	}
	got, err := s.writeOnce(ctx, key, data, maxSmall)
	if err != nil {
		return false, stored, err
	}
	if err := json.Unmarshal(got, &stored); err != nil {
		return false, stored, fmt.Errorf("put %s: %w: %w", key, ErrExists, err)
	}
	return bytes.Equal(got, data), stored, nil
}

// Claim returns the run that took a correlation id.
func (s *Store) Claim(ctx context.Context, project, cid string) (lifecycle.Claim, error) {
	key, err := ClaimKey(project, cid)
	if err != nil {
		return lifecycle.Claim{}, err
	}
	var c lifecycle.Claim
	err = s.readJSON(ctx, key, maxSmall, &c)
	return c, err
}

// PutResult stores how a run ended. It is written last of the three, so a reader that finds it
// can expect the others.
func (s *Store) PutResult(ctx context.Context, project, cid string, r lifecycle.Result) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("put result of %s: %w", cid, err)
	}
	return s.putResult(ctx, project, cid, resultName, data, MaxResult)
}

// PutSummary stores summary.json, the bytes that the digest covers.
func (s *Store) PutSummary(ctx context.Context, project, cid string, data []byte) error {
	return s.putResult(ctx, project, cid, summaryName, data, MaxSummary)
}

// PutPlan stores the redacted text of a plan.
func (s *Store) PutPlan(ctx context.Context, project, cid string, text []byte) error {
	return s.putResult(ctx, project, cid, planName, text, MaxPlan)
}

func (s *Store) putResult(ctx context.Context, project, cid, name string, data []byte, limit int64) error {
	key, err := ResultKey(project, cid, name)
	if err != nil {
		return err
	}
	return s.writeSame(ctx, key, data, limit)
}

// Result reads how a run ended.
func (s *Store) Result(ctx context.Context, project, cid string) (lifecycle.Result, error) {
	key, err := ResultKey(project, cid, resultName)
	if err != nil {
		return lifecycle.Result{}, err
	}
	var r lifecycle.Result
	err = s.readJSON(ctx, key, MaxResult, &r)
	return r, err
}

const (
	recentSummaries = 16
	maxRecent       = 256 << 10 // of one summary that is remembered
)

// recentSummary is a summary that this process read.
type recentSummary struct {
	key  string
	data []byte
}

// RecentSummary returns the bytes of summary.json as this process read them before, else reads them. A
// run writes them once. The caller compares them with the digest that it expects.
func (s *Store) RecentSummary(ctx context.Context, project, cid string) ([]byte, error) {
	key, err := ResultKey(project, cid, summaryName)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	i := slices.IndexFunc(s.summaries, func(r recentSummary) bool { return r.key == key })
	if i >= 0 {
		defer s.mu.Unlock()
		return s.summaries[i].data, nil
	}
	s.mu.Unlock()
	return s.Summary(ctx, project, cid)
}

func (s *Store) rememberSummary(key string, data []byte) {
	if len(data) > maxRecent {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.summaries = slices.DeleteFunc(s.summaries, func(r recentSummary) bool { return r.key == key })
	s.summaries = append(s.summaries, recentSummary{key, data})
	s.summaries = s.summaries[max(0, len(s.summaries)-recentSummaries):]
}

// Summary reads the exact bytes of summary.json.
func (s *Store) Summary(ctx context.Context, project, cid string) ([]byte, error) {
	key, err := ResultKey(project, cid, summaryName)
	if err != nil {
		return nil, err
	}
	o, err := s.get(ctx, key, MaxSummary)
	if err == nil {
		s.rememberSummary(key, o.data)
	}
	return o.data, err
}
