package main

import (
	"context"
	"errors"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// examineLocks lists each environment whose state a run found locked. TfPilot cannot read
// the state bucket, so it reports what the last run saw. Another check reports a requests
// bucket that cannot be read.
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
	return []finding{{"no state is locked", errors.Join(locked...)}}
}
