package sandbox

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/tfpilot/tfpilot/internal/sim/atomicfile"
)

// Upgrade commits the files that a newer tfpilot renders differently, as the platform team would after
// a release: as a person, on main. It leaves the files of requests alone, and files that were changed
// since the last rendering. It returns the latter.
func (s *Sandbox) Upgrade(repo Repo) (kept []string, err error) {
	log, err := readRenderedFiles(filepath.Join(s.cfg.Dir, "rendered.json"))
	if err != nil {
		return nil, err
	}
	name := repo.Owner + "/" + repo.Name
	last := log.files[name]
	now, newer := map[string]string{}, map[string][]byte{}
	for path, content := range repo.Files {
		want, have := blobID(content), ""
		if committed, err := s.GitHub.File(name, "main", path); err == nil {
			have = blobID(committed)
		}
		now[path] = want
		switch before, ok := last[path]; {
		case have == want:
		case last == nil || have == before: // without a record, the file counts as unchanged
			newer[path] = content
		default:
			kept = append(kept, path)
			if delete(now, path); ok {
				now[path] = before // after the change is reverted, the next start writes the newer file
			}
		}
	}
	slices.Sort(kept)
	if len(newer) > 0 {
		if err := s.GitHub.Push(name, "adam", "Update TfPilot's workflows and modules", newer); err != nil {
			return nil, fmt.Errorf("update %s: %w", name, err)
		}
	}
	return kept, log.save(name, now)
}

// renderedFiles holds the blob ids of the last rendered files, by repository and path.
type renderedFiles struct {
	path  string
	files map[string]map[string]string
}

func readRenderedFiles(path string) (renderedFiles, error) {
	r := renderedFiles{path, map[string]map[string]string{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &r.files)
	}
	if err != nil {
		return r, fmt.Errorf("read what was rendered last: %w", err)
	}
	return r, nil
}

func (r renderedFiles) save(repo string, files map[string]string) error {
	r.files[repo] = files
	data, err := json.Marshal(r.files)
	if err == nil {
		err = atomicfile.Replace(r.path, data)
	}
	if err != nil {
		return fmt.Errorf("write what was rendered last: %w", err)
	}
	return nil
}

func blobID(content []byte) string {
	h := sha1.New()
	_, _ = fmt.Fprintf(h, "blob %d\x00", len(content))
	_, _ = h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}
