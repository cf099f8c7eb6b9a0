package doctor

import (
	"context"
	"errors"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terminal"
)

// locks lists each environment whose state a run found locked. TfPilot cannot read
// the state bucket, so it reports what the last run saw. Another check reports a requests
// bucket that cannot be read.
func (x exam) locks(ctx context.Context) []Finding {
	var locked []error
	for _, project := range x.Config.Projects {
		for _, e := range project.Environments {
			state, err := x.Store.Environment(ctx, project.Name, lifecycle.Environment{Key: e.Key, Slug: e.Slug})
			if err != nil {
				return nil
			}
			if state.StateLock != nil {
				locked = append(locked, errors.New(project.Name+" "+e.String()+": "+terminal.StateLocked(state)))
			}
		}
	}
	return []Finding{{"no state is locked", errors.Join(locked...)}}
}
