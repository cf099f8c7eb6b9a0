package github

import (
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
)

// OldestServer is the oldest GitHub Enterprise Server that TfPilot supports: the oldest
// whose API description the dispatch was checked against.
const OldestServer = "3.17"

const maxVersion = 40 // characters

// Server returns the version of GitHub Enterprise Server in its last response, such as 3.19.2. It
// is empty for github.com, and before the first response.
func (c *Client) Server() string {
	version, _ := c.server.Load().(string)
	return version
}

// ServerTooOld reports whether TfPilot does not support a version of GitHub Enterprise Server. A
// version that it cannot parse is not supported.
func ServerTooOld(version string) bool {
	have, err := release(version)
	least, _ := release(OldestServer)
	return err != nil || slices.Compare(have, least) < 0
}

func release(version string) ([]int, error) {
	var major, minor int
	_, err := fmt.Sscanf(version, "%d.%d", &major, &minor)
	return []int{major, minor}, err
}

// versioned reads the server's version from every answer.
type versioned struct {
	next http.RoundTripper
	on   *atomic.Value
}

func (t versioned) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return resp, err
	}
	if version := resp.Header.Get("X-GitHub-Enterprise-Version"); version != "" {
		t.on.Store(cutRunes(version, maxVersion))
	}
	return resp, nil
}
