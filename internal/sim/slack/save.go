package slack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	snapshotName = "slack.json"
	saveEvery    = 250 * time.Millisecond
)

// snapshot is the state that survives a restart. It leaves out open views.
type snapshot struct {
	LastTS   time.Time            `json:"last_ts"`
	Channels []*channelLog        `json:"channels"`
	Homes    map[string]*openView `json:"homes"`
	Counts   Counts               `json:"counts"`
}

// saver writes changes to disk, at most every saveEvery.
func (s *Server) saver() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.dirty:
		}
		if err := s.save(); err != nil {
			s.log.Error("save slack workspace", "error", err)
		}
		if !s.sleep(saveEvery) {
			return
		}
	}
}

func (s *Server) save() error {
	s.mu.Lock()
	raw := encode(snapshot{LastTS: s.lastTS, Channels: s.channels, Homes: s.homes, Counts: s.counts})
	s.mu.Unlock()
	return replaceFile(filepath.Join(s.cfg.DataDir, snapshotName), raw)
}

// replaceFile writes a file so that a reader finds either the old or the new one.
func replaceFile(path string, raw []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".slack-*")
	if err != nil {
		return fmt.Errorf("make temporary file: %w", err)
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", f.Name(), err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("put in place: %w", err)
	}
	return nil
}

// load restores the saved state and adds new channels of the configuration.
func (s *Server) load() error {
	raw, err := os.ReadFile(filepath.Join(s.cfg.DataDir, snapshotName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	saved := snapshot{Counts: newCounts()}
	if err := decoder(raw).Decode(&saved); err != nil {
		return fmt.Errorf("decode %s: %w", snapshotName, err)
	}
	fresh := s.channels
	s.channels, s.lastTS, s.counts = saved.Channels, saved.LastTS, saved.Counts
	for _, c := range fresh {
		if s.channelByID(c.ID) == nil {
			s.channels = append(s.channels, c)
		}
	}
	if saved.Homes != nil {
		s.homes = saved.Homes
	}
	return nil
}
