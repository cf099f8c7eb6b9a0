package aws

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/sim/atomicfile"
)

const fileName = "cloud.json"

// load reads the account from disk. Without a file the account is empty.
func (s *Server) load() error {
	if s.dir == "" {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(s.dir, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	var all []Object
	d := json.NewDecoder(f)
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		return err
	}
	for _, obj := range all {
		s.objects[key{obj.Type, obj.ID}] = obj
	}
	return nil
}

// save writes the account.
func (s *Server) save() error {
	if s.dir == "" {
		return nil
	}
	all := make([]Object, 0, len(s.objects))
	for _, obj := range s.objects {
		all = append(all, obj)
	}
	slices.SortFunc(all, func(a, b Object) int { return strings.Compare(a.Type+"\x00"+a.ID, b.Type+"\x00"+b.ID) })
	raw, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.Replace(filepath.Join(s.dir, fileName), raw)
}
