package bootstrap

import (
	"context"
	"fmt"
	"io"
)

// Written is the result of bootstrap.
type Written struct {
	Out        string   `json:"out"`
	Repository string   `json:"repository"`
	Written    []string `json:"written"`
	Kept       []string `json:"kept"`               // existing files that differ from the ones TfPilot would write
	Unlocked   string   `json:"unlocked,omitempty"` // why there are no lock files
}

// LockAll adds a lock file to each root. If it cannot, it returns the reason.
func (r Registry) LockAll(ctx context.Context, files map[string][]byte) (unlocked string) {
	locked, err := r.Lock(ctx, files)
	if err != nil {
		return err.Error()
	}
	AddLock(files, RenderLock(locked))
	return ""
}

// Print says what was written, and what is left to do.
func (w Written) Print(out io.Writer) error {
	for _, name := range w.Kept {
		_, _ = fmt.Fprintf(out, "kept existing file, which differs from the one TfPilot would write: %s\n", name)
	}
	if w.Unlocked != "" {
		_, _ = fmt.Fprintf(
			out,
			"No %s was written, and runs fail without it: %s.\n"+
				"Run `terraform providers lock` in each directory of envs/, or run bootstrap again.\n",
			LockFile,
			w.Unlocked,
		)
	}
	_, err := fmt.Fprintf(
		out,
		"Wrote %d new files to %s. Review them and commit them to %s.\n",
		len(w.Written),
		w.Out,
		w.Repository,
	)
	return err
}
