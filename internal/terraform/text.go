package terraform

import "strings"

// ShortAddress is the address inside the request's module.
func (c Change) ShortAddress() string { return ShortAddress(c.Address) }

// ShortAddress removes the request's module from an address.
func ShortAddress(address string) string {
	if rest, ok := strings.CutPrefix(address, "module.tfpilot_"); ok {
		if _, inside, ok := strings.Cut(rest, "."); ok {
			return inside
		}
	}
	return address
}
