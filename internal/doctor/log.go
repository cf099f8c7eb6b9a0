package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// newestLogs is how many requests the doctor verifies the log of. One request is verified by
// requests export.
const newestLogs = 20

// logs verifies the audit logs of the requests that changed last: each event contains
// the hash of the one before it, and the document contains the last one. Another check
// reports a bucket that cannot be read.
func (x exam) logs(ctx context.Context) []Finding {
	var newest []store.Entry
	for e, err := range x.Store.List(ctx) {
		if err != nil {
			return nil
		}
		newest = append(newest, e)
	}
	slices.SortFunc(newest, func(a, b store.Entry) int {
		return cmp.Or(b.Modified.Compare(a.Modified), cmp.Compare(a.ID, b.ID))
	})
	var damaged []error
	for _, e := range newest[:min(len(newest), newestLogs)] {
		damaged = append(damaged, x.log(ctx, e.ID))
	}
	return []Finding{
		{
			fmt.Sprintf("the audit logs of the newest requests (at most %d) are complete", newestLogs),
			errors.Join(damaged...),
		},
	}
}

func (x exam) log(ctx context.Context, id string) error {
	doc, err := x.Store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	stored, err := x.Store.Log(ctx, id)
	if err != nil {
		return err
	}
	return DamagedLog(id, lifecycle.VerifyAudit(lifecycle.WholeLog(stored, doc.Request.Audit), doc.Request.Audit))
}

// DamagedLog describes what is wrong with the log of a request; nil for nothing.
func DamagedLog(id string, damage error) error {
	if damage == nil {
		return nil
	}
	return fmt.Errorf(
		"the audit log of %s is damaged: %w; find out who can write to logs/ of the bucket, and restore the objects from "+
			"their old versions",
		id,
		damage,
	)
}
