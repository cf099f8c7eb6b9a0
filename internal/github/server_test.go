package github

import "testing"

func TestServerTooOld(t *testing.T) {
	for version, want := range map[string]bool{
		"3.17.0": false, "3.17": false, "3.19.2": false, "4.0.0": false, "10.1.0": false,
		"3.16.9": true, "3.2.0": true, "2.22.0": true, "": true, "new": true, "3": true,
	} {
		if got := ServerTooOld(version); got != want {
			t.Errorf("%q: %v", version, got)
		}
	}
}
