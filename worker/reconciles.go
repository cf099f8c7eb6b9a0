package worker

import "sync"

// reconciles are the requests that this worker reconciles now. A request has at most one
// reconcile at a time; a task that is enqueued meanwhile makes it run once more.
type reconciles struct {
	mu    sync.Mutex
	again map[string]bool // by request under way: enqueued again meanwhile
}

// begin starts a reconcile of a request. It returns false when one is under way, which
// then runs once more.
func (c *reconciles) begin(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.again == nil {
		c.again = map[string]bool{}
	}
	if _, busy := c.again[id]; busy {
		c.again[id] = true
		return false
	}
	c.again[id] = false
	return true
}

// end ends a reconcile. again is true when the request was enqueued meanwhile and the
// caller may run once more: then the reconcile is still under way.
func (c *reconciles) end(id string, may bool) (again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if may && c.again[id] {
		c.again[id] = false
		return true
	}
	delete(c.again, id)
	return false
}
