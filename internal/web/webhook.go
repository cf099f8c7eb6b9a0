package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
)

const enqueueTimeout = 5 * time.Second // GitHub gives up after ten

// Verify checks that a delivery is from GitHub, and returns its ID and its hint. It returns
// errors of internal/github. github.ErrIgnored means that the delivery is irrelevant.
type Verify func(h http.Header, body []byte) (deliveryID string, hint []byte, err error)

// Verifier verifies deliveries with a secret and ignores deliveries of other repositories. A
// repository is ours if repos contains its name, "owner/name", or if renamed reports that
// it is one of ours under a new name.
func Verifier(secret string, repos []string, renamed func(id int64, name string) bool) Verify {
	known := map[string]bool{}
	for _, r := range repos {
		known[strings.ToLower(r)] = true
	}
	return func(h http.Header, body []byte) (string, []byte, error) {
		hint, err := github.ParseWebhook(secret, h, body)
		if err != nil {
			return "", nil, err
		}
		if !known[strings.ToLower(hint.Repo)] && (renamed == nil || !renamed(hint.RepoID, hint.Repo)) {
			return "", nil, fmt.Errorf("repository %d: %w", hint.RepoID, github.ErrIgnored)
		}
		data, err := json.Marshal(hint)
		if err != nil {
			return "", nil, fmt.Errorf("encode hint: %w", err)
		}
		return hint.Delivery, data, nil
	}
}

// webhook is the endpoint for GitHub's deliveries: verify, enqueue, respond.
type webhook struct {
	log     *slog.Logger
	verify  Verify
	enqueue func(context.Context, string, []byte) error
	large   *pool
	small   *pool
}

func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength > maxDelivery {
		answer(w, http.StatusRequestEntityTooLarge, tooLargeReply)
		return
	}
	b := &incoming{}
	defer h.done(b)
	data, err := h.read(w, r, b)
	if err != nil {
		h.unreadable(w, r, err)
		return
	}
	id, hint, err := h.verify(r.Header, data)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), enqueueTimeout)
	defer cancel()
	if err := h.enqueue(ctx, id, hint); err != nil {
		h.busy(w, r, err)
		return
	}
	answer(w, http.StatusAccepted, reply{Status: "accepted"})
}

var tooLargeReply = reply{Error: "too_large", Message: "The delivery is larger than 25 MiB."}

func (h *webhook) unreadable(w http.ResponseWriter, r *http.Request, err error) {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		answer(w, http.StatusRequestEntityTooLarge, tooLargeReply)
		return
	case errors.Is(err, errNoRoom):
		h.busy(w, r, err)
		return
	case errors.Is(err, errSlow):
		answer(w, http.StatusRequestTimeout, reply{Error: "slow", Message: "The delivery arrives too slowly."})
		return
	}
	answer(w, http.StatusBadRequest, reply{Error: "unreadable", Message: "The delivery is incomplete."})
}

// refuse responds to a delivery that was not verified. It accepts an ignored one, so that
// GitHub does not count it as failed.
func (h *webhook) refuse(w http.ResponseWriter, r *http.Request, err error) {
	ctx := r.Context()
	switch {
	case errors.Is(err, github.ErrIgnored):
		h.log.DebugContext(ctx, "webhook ignored", "reason", err)
		answer(w, http.StatusAccepted, reply{Status: "ignored"})
	case errors.Is(err, github.ErrSignature):
		h.log.WarnContext(ctx, "webhook refused", "reason", err, "remote", r.RemoteAddr)
		answer(w, http.StatusUnauthorized, reply{
			Error:   "signature",
			Message: "The signature does not match. Compare GITHUB_WEBHOOK_SECRET with the webhook secret of the App.",
		})
	default:
		h.log.WarnContext(ctx, "webhook refused", "reason", err, "remote", r.RemoteAddr)
		answer(w, http.StatusBadRequest, reply{Error: "malformed", Message: "The delivery cannot be read."})
	}
}

// busy responds that the delivery was not enqueued. Until GitHub sends it again, sync
// finds the same changes.
func (h *webhook) busy(w http.ResponseWriter, r *http.Request, err error) {
	h.log.ErrorContext(r.Context(), "webhook not enqueued", "error", err)
	w.Header().Set("Retry-After", "10")
	answer(w, http.StatusServiceUnavailable,
		reply{Error: "unavailable", Message: "The delivery could not be queued. Send it again."})
}
