package main

import (
	"context"
	"errors"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// examineLocks names each environment whose state a run found locked. The lock itself
// is in a bucket that TfPilot may not read. A bucket of requests that cannot be read is
// another finding.
func (p *parts) examineLocks(ctx context.Context) []finding {
	var locked []error
	for _, project := range p.cfg.Projects {
		for _, e := range project.Environments {
			state, err := p.store.Environment(ctx, project.Name, lifecycle.Environment{Key: e.Key, Slug: e.Slug})
			if err != nil {
				return nil
			}
			if state.StateLock != nil {
				locked = append(locked, errors.New(project.Name+" "+e.String()+": "+stateLocked(state)))
			}
		}
	}
	return []finding{{"no run stopped at the lock of a state", errors.Join(locked...)}}
}
