package catalog

import (
	"errors"
	"fmt"
)

// faultList gathers everything that is wrong, since people fix a module faster when they see all of it.
type faultList struct {
	errs []error
}

func (f *faultList) add(format string, args ...any) {
	f.errs = append(f.errs, fmt.Errorf(format, args...))
}

func (f *faultList) err() error {
	return errors.Join(f.errs...)
}
