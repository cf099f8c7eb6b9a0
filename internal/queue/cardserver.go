package queue

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// How many cards one process draws at once: those that people need first, and one of the others, so
// that progress never keeps them from being drawn.
const (
	lanesFirst = 3
	lanesOther = 1
)

// pauseUnanswered is how long the list is not read after Redis did not answer.
const pauseUnanswered = 5 * time.Second

// cardServer draws the cards of the list.
type cardServer struct {
	*Server
	list  cards
	ended chan Urgency // lanes that are free again, by the least urgency of their cards
	lanes sync.WaitGroup
	lost  sync.Map  // cards that could not be put back into the list, by id
	pause time.Time // until when the list is not read, after Redis did not answer
}

func newCardServer(s *Server) *cardServer {
	return &cardServer{Server: s, list: cards{s.redis}, ended: make(chan Urgency, lanesFirst+lanesOther)}
}

// run draws cards until ctx ends, then waits for those that are being drawn.
func (s *cardServer) run(ctx context.Context) {
	defer s.lanes.Wait()
	ticker := time.NewTicker(s.poll)
	defer ticker.Stop()
	free := map[Urgency]int{UrgencyPerson: lanesFirst, UrgencySpare: lanesOther}
	for {
		for s.begin(ctx, free) {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case lane := <-s.ended:
			free[lane]++
		case <-ticker.C:
			s.returnLost(ctx)
		}
	}
}

// begin begins to draw the next card, when there is a free lane for it.
func (s *cardServer) begin(ctx context.Context, free map[Urgency]int) bool {
	lane := UrgencySpare
	if free[lane] == 0 {
		lane = UrgencyPerson
	}
	if free[lane] == 0 || ctx.Err() != nil || time.Now().Before(s.pause) {
		return false
	}
	c, ok, err := s.list.next(ctx, lane)
	if err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "the list of cards was not read", "error", clip(err.Error()))
		s.pause = time.Now().Add(pauseUnanswered)
	}
	if !ok {
		return false
	}
	if c.Urgency <= UrgencyPerson && free[UrgencyPerson] > 0 {
		lane = UrgencyPerson
	}
	free[lane]--
	s.lanes.Go(func() {
		s.draw(context.WithoutCancel(ctx), c)
		select {
		case s.ended <- lane:
		case <-ctx.Done():
		}
	})
	return true
}

// draw draws one card, and puts it back when that did not succeed.
func (s *cardServer) draw(ctx context.Context, c listedCard) {
	err := s.drawOnce(ctx, c)
	if err == nil {
		_ = s.list.drawn(ctx, c.RequestID) // what stays on the roll is drawn once more
		return
	}
	log := s.log.With("card", c.RequestID)
	delay := backoff(c.Tries, err)
	if isFailure(err) {
		log.WarnContext(ctx, "card not drawn, will be tried again", "error", clip(err.Error()), "retried", c.Tries)
		c.Tries = min(c.Tries+1, maxRetry)
	} else {
		log.DebugContext(ctx, "card put back", "error", clip(err.Error()))
	}
	if err := s.list.add(ctx, c, delay); err != nil {
		log.WarnContext(ctx, "card not put back yet", "error", clip(err.Error()))
		s.lost.Store(c.RequestID, c)
		return
	}
	_ = s.list.drawn(ctx, c.RequestID)
}

// drawOnce turns a panic into an error: it concerns this request, and must not end the process.
func (s *cardServer) drawOnce(ctx context.Context, c listedCard) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.ErrorContext(ctx, "a card panicked", "card", c.RequestID, "error", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("draw card %s: %v", c.RequestID, p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, taskTimeout)
	defer cancel()
	return s.handlers.Card(ctx, Card{RequestID: c.RequestID, Version: c.Version, Waited: time.Since(time.UnixMilli(c.Since))})
}

// returnLost puts cards back into the list that could not be put back while Redis did not
// respond.
func (s *cardServer) returnLost(ctx context.Context) {
	s.lost.Range(func(id, c any) bool {
		if s.list.add(ctx, c.(listedCard), 0) != nil {
			return false
		}
		s.lost.Delete(id)
		return true
	})
}
