package slack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/atomicfile"
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
	return atomicfile.Replace(filepath.Join(s.cfg.DataDir, snapshotName), raw)
}

// load restores the saved state and adds new channels of the configuration.
func (s *Server) load() error {
	if err := os.MkdirAll(s.cfg.DataDir, 0o700); err != nil {
		return err
	}
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
