package queue

import "context"

const recallPrefix = prefix + "recall:"

// Remember stores the result of a call to another system, so that other processes need not make
// the call. It carries a MAC like a document, and may be outdated or missing at any time. kept is
// false when it was not kept at all.
func (c *Cache) Remember(ctx context.Context, what, answer string) (kept bool) {
	if len(answer) > maxETag || !c.on() {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	err := c.redis.client.Set(ctx, recallPrefix+what, c.seal("answer "+what, answer, nil), CacheFor).Err()
	c.heard(err)
	return err == nil
}

// Recall returns what was remembered last, "" when there is nothing.
func (c *Cache) Recall(ctx context.Context, what string) string {
	if !c.on() {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	sealed, err := c.redis.client.GetRange(ctx, recallPrefix+what, 0, maxETag+sealSize).Bytes()
	c.heard(err)
	if err != nil {
		return ""
	}
	answer, _, _ := c.unseal("answer "+what, sealed)
	return answer
}
