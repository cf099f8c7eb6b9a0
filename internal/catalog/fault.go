package catalog

import (
	"errors"
	"fmt"
)

// faultList collects all errors of a module, because people fix it faster when they see all of
// them.
type faultList struct {
	errs []error
}

func (f *faultList) add(format string, args ...any) {
	f.errs = append(f.errs, fmt.Errorf(format, args...))
}

func (f *faultList) err() error {
	return errors.Join(f.errs...)
}
