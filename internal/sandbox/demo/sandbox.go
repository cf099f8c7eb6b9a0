package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const maxAnswer = 64 << 20

// access is the part of the sandbox's addresses and credentials that the demo uses.
type access struct {
	GitHub string
	S3     string
	Clone  []string
	Env    map[string]string
	People []struct{ Login, SlackUser, GitHubToken string }
	Keys   []struct{ Principal, AccessKeyID, SecretAccessKey string }
}

// counts holds the counters of the simulators.
type counts struct {
	Slack struct {
		TopLevel, Calls map[string]int
	}
	GitHub struct {
		PullRequests, Runs, Merges map[string]int
		Calls                      map[string]map[string]int // by principal
	}
	S3 []struct {
		Principal, Verb, Prefix string
		Calls                   int
	}
}

// faults is the body of an order of faults.
type faults struct {
	Clear      bool           `json:"clear,omitempty"`
	FlushRedis bool           `json:"flushRedis,omitempty"`
	Webhooks   []webhookFault `json:"webhooks,omitempty"`
	Cloud      []cloudFault   `json:"cloud,omitempty"`
	S3         []storageFault `json:"s3,omitempty"`
}

type webhookFault struct {
	Kind string `json:"kind"`
}

type cloudFault struct {
	Op    string `json:"op,omitempty"`
	Type  string `json:"type,omitempty"`
	ID    string `json:"id,omitempty"`
	Count int    `json:"count,omitempty"`
	Delay int64  `json:"delay,omitempty"` // nanoseconds
	Code  string `json:"code,omitempty"`
}

type storageFault struct {
	Kind      string `json:"kind"`
	Verb      string `json:"verb,omitempty"`
	KeyPrefix string `json:"keyPrefix,omitempty"`
	Principal string `json:"principal,omitempty"`
	Count     int    `json:"count,omitempty"`
	Delay     int64  `json:"delay,omitempty"` // nanoseconds
}

// object is one resource in the cloud.
type object struct {
	Type       string
	ID         string
	Attributes map[string]any
}

// connect reads the access data of the sandbox and waits for the app.
func (j *journey) connect(ctx context.Context) error {
	if err := j.get(ctx, "/control/access", &j.access); err != nil {
		return err
	}
	for _, p := range j.access.People {
		someone := &person{j: j, name: p.Login, slack: p.SlackUser, token: p.GitHubToken}
		switch p.Login {
		case "dana":
			j.dana = someone
		case "ana":
			j.ana = someone
		case "omar":
			j.omar = someone
		case "adam":
			j.adam = someone
		case "vic":
			j.vic = someone
		}
	}
	for _, p := range []*person{j.dana, j.ana, j.omar, j.adam, j.vic} {
		if p == nil {
			return fmt.Errorf("dana, ana, omar, adam or vic is missing")
		}
	}
	before, err := j.counts(ctx)
	j.before, j.first = before, len(before.GitHub.PullRequests) == 0
	if err != nil {
		return err
	}
	return until(ctx, later, "that the app is connected to Slack", func(ctx context.Context) (bool, string, error) {
		w, err := j.dana.workspace(ctx)
		j.existing = w.topLevel()
		return w.Sockets > 0, "no connection", err
	})
}

func (j *journey) counts(ctx context.Context) (counts, error) {
	var c counts
	return c, j.get(ctx, "/control/counts", &c)
}

func (j *journey) fault(ctx context.Context, order faults) error {
	return j.post(ctx, "/control/faults", order, nil)
}

// cloud lists the objects of a type.
func (j *journey) cloud(ctx context.Context, kind string) ([]object, error) {
	var out struct{ Objects []object }
	err := j.post(ctx, "/control/cloud", map[string]any{"type": kind}, &out)
	return out.Objects, err
}

// exists reports whether the cloud has an object with this id.
func (j *journey) exists(ctx context.Context, kind, id string) (bool, error) {
	objects, err := j.cloud(ctx, kind)
	for _, o := range objects {
		if o.ID == id {
			return true, err
		}
	}
	return false, err
}

func (j *journey) get(ctx context.Context, path string, into any) error {
	return j.call(ctx, http.MethodGet, j.page(path), "", nil, into)
}

func (j *journey) post(ctx context.Context, path string, body, into any) error {
	return j.call(ctx, http.MethodPost, j.page(path), "", body, into)
}

func (j *journey) page(path string) string { return strings.TrimSuffix(j.cfg.Address, "/") + path }

// status is an HTTP answer that is not a success.
type status struct {
	code int
	text string
}

func (s *status) Error() string { return fmt.Sprintf("status %d: %s", s.code, shorten(s.text, 600)) }

// call sends JSON and reads JSON.
func (j *journey) call(ctx context.Context, method, address, token string, body, into any) error {
	var sent io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode body: %w", err)
		}
		sent = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, method, address, sent)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return j.answer(r, into)
}

func (j *journey) answer(r *http.Request, into any) error {
	data, err := j.send(r)
	if err != nil || into == nil || len(data) == 0 {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s %s: read answer: %w", r.Method, r.URL.Path, err)
	}
	return nil
}

func (j *journey) send(r *http.Request) ([]byte, error) {
	resp, err := j.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%s %s: read answer: %w", r.Method, r.URL.Path, err)
	}
	if resp.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, &status{resp.StatusCode, string(data)})
	}
	return data, nil
}

func query(name, value string) string { return "?" + url.Values{name: {value}}.Encode() }
