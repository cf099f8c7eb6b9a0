package page

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"time"
)

const (
	lookEvery = 400 * time.Millisecond
	beatEvery = 15 * time.Second
	writeTime = 10 * time.Second
)

// Topics that the page reads again after a change.
const (
	topicSlack    = "slack"
	topicRequests = "requests"
	topicGitHub   = "github"
	topicState    = "state"
	topicCloud    = "cloud"
)

// events sends the page the topics to read again. The first event contains every topic, so that a page
// that reconnects is up to date.
func (v *viewer) events(w http.ResponseWriter, r *http.Request) {
	slack, stop := v.box.Slack.Changes()
	defer stop()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := &stream{w: w, flush: http.NewResponseController(w)}
	look, beat := time.NewTicker(lookEvery), time.NewTicker(beatEvery)
	defer look.Stop()
	defer beat.Stop()
	last := v.stamps()
	if !out.changed(topicSlack, topicRequests, topicGitHub, topicState, topicCloud) {
		return
	}
	for {
		ok := true
		select {
		case <-slack:
			ok = out.changed(topicSlack)
		case <-look.C:
			now := v.stamps()
			if topics := differ(last, now); len(topics) > 0 {
				ok = out.changed(topics...)
			}
			last = now
		case <-beat.C:
			ok = out.write(": still here\n\n")
		case <-r.Context().Done():
			return
		}
		if !ok {
			return
		}
	}
}

// stream writes whole events. A reader that is too slow is disconnected.
type stream struct {
	w     io.Writer
	flush *http.ResponseController
}

func (s *stream) changed(topics ...string) bool {
	data, err := json.Marshal(map[string][]string{"topics": topics})
	return err == nil && s.write("event: changed\ndata: "+string(data)+"\n\n")
}

func (s *stream) write(event string) bool {
	_ = s.flush.SetWriteDeadline(time.Now().Add(writeTime))
	_, err := io.WriteString(s.w, event)
	return err == nil && s.flush.Flush() == nil
}

// stamps returns fingerprints of the sources without a change feed.
func (v *viewer) stamps() map[string]uint64 {
	out := map[string]uint64{}
	sum := func(topic string, fill func(io.Writer)) {
		h := fnv.New64a()
		fill(h)
		out[topic] = h.Sum64()
	}
	sum(topicRequests, func(w io.Writer) {
		for _, prefix := range []string{"requests/", "history/", "results/"} {
			v.tags(w, v.requestsBucket, prefix)
		}
	})
	sum(topicState, func(w io.Writer) { v.tags(w, v.stateBucket, "") })
	sum(topicCloud, func(w io.Writer) {
		for _, o := range v.box.Cloud.Objects("") {
			_, _ = fmt.Fprint(w, o.Type, o.ID, o.Contents, o.UpdatedAt.UnixNano(), ";")
		}
		_, _ = fmt.Fprint(w, v.box.Cloud.Faults())
	})
	sum(topicGitHub, v.writeGitHub)
	return out
}

func (v *viewer) tags(w io.Writer, bucket, prefix string) {
	for _, o := range v.box.S3.Keys(bucket, prefix) {
		_, _ = fmt.Fprint(w, o.Key, o.ETag, ";")
	}
}

// writeGitHub fingerprints GitHub by its effects and by the progress of runs.
func (v *viewer) writeGitHub(w io.Writer) {
	c := v.box.GitHub.Counts()
	_, _ = fmt.Fprint(w, c.PullRequests, c.Merges, c.Reviews, c.Comments, c.Pushes, c.Deliveries)
	for _, d := range v.box.GitHub.Deliveries() {
		_, _ = fmt.Fprint(w, d.ID, d.Code, ";")
	}
	for _, repo := range v.box.GitHub.Repos() {
		for _, run := range v.box.GitHub.Runs(repo) {
			_, _ = fmt.Fprint(w, run.ID, run.Attempt, run.Status, run.Conclusion, run.Steps, ";")
		}
	}
}

func differ(before, after map[string]uint64) []string {
	var topics []string
	for _, topic := range []string{topicRequests, topicGitHub, topicState, topicCloud} {
		if before[topic] != after[topic] {
			topics = append(topics, topic)
		}
	}
	return topics
}
