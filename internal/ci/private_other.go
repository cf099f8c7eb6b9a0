//go:build !linux

package ci

// keepProcessPrivate does nothing where there is no /proc.
func keepProcessPrivate() {}
