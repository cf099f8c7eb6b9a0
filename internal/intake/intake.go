// Package intake turns a person's description into values for a form. It owns the
// prompt, the JSON schema of the answer, and the check of the answer. It is the only
// user of go-openai. The model has no tools: it sees the catalog and the description,
// and returns data that is parsed like a form filled in by hand. The model decides
// nothing, because a person submits the form. Input that looks like a secret never
// leaves the process.
package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sashabaranov/go-openai"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/secretscan"
)

// Errors that callers tell apart. Any other error means that the model was not reached.
var (
	ErrSecret   = errors.New("the description looks like it contains a secret")
	ErrTimeout  = errors.New("no answer in time")
	ErrNonsense = errors.New("the answer does not match the schema")
)

const (
	defaultTimeout = 8 * time.Second
	defaultModel   = "gpt-4o-mini"
	// maxWords bounds the description that is sent, in runes.
	maxWords = 2000
	// maxAnswer bounds the answer, in tokens and in bytes.
	maxAnswerTokens = 2000
	maxAnswer       = 64 << 10
	// maxBody bounds a response of the model's server.
	maxBody = 1 << 20
)

// Config is the address of the model and how to call it.
type Config struct {
	Key     string            // required
	BaseURL string            // empty: OpenAI; otherwise any compatible service, including /v1
	Model   string            // empty: defaultModel
	Timeout time.Duration     // zero: defaultTimeout
	HTTP    http.RoundTripper // nil: http.DefaultTransport
}

// Model is a client of one language model.
type Model struct {
	client  *openai.Client
	name    string
	timeout time.Duration
}

// New returns a client. It makes no call.
func New(c Config) *Model {
	oc := openai.DefaultConfig(c.Key)
	if c.BaseURL != "" {
		oc.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	}
	m := &Model{name: c.Model, timeout: c.Timeout}
	if m.name == "" {
		m.name = defaultModel
	}
	if m.timeout <= 0 {
		m.timeout = defaultTimeout
	}
	oc.HTTPClient = &http.Client{Timeout: m.timeout, Transport: bounded{c.HTTP}}
	m.client = openai.NewClientWithConfig(oc)
	return m
}

// Question is a person's description and what they can request.
type Question struct {
	Words   string
	Here    *catalog.Environment  // the environment of the channel; nil when there is none
	Places  []catalog.Environment // environments in which the person can create requests
	Modules []*catalog.Module     // modules that the person can request
}

// Answer is the checked answer of the model. Config has only fields with valid values. The
// person fills in the others.
type Answer struct {
	Module string // "" when no module matches
	Place  *catalog.Environment
	Config map[string]any
}

// Read asks the model and checks its answer.
func (m *Model) Read(ctx context.Context, q Question) (Answer, error) {
	if _, found := secretscan.Credential(q.Words); found {
		return Answer{}, ErrSecret
	}
	if len(q.Modules) == 0 || len(q.Places) == 0 {
		return Answer{}, fmt.Errorf("no module or environment to choose from: %w", ErrNonsense)
	}
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	resp, err := m.client.CreateChatCompletion(ctx, m.request(q))
	if err != nil {
		return Answer{}, failed(ctx, err)
	}
	if len(resp.Choices) != 1 {
		return Answer{}, fmt.Errorf("%d choices: %w", len(resp.Choices), ErrNonsense)
	}
	return q.check(resp.Choices[0].Message.Content)
}

// failed describes an error. It omits the text of the server, which may repeat the
// description or the key.
func failed(ctx context.Context, err error) error {
	var timeout interface{ Timeout() bool }
	if ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout() {
		return ErrTimeout
	}
	if e, ok := errors.AsType[*openai.APIError](err); ok {
		return fmt.Errorf("ask model: status %d", e.HTTPStatusCode)
	}
	if e, ok := errors.AsType[*openai.RequestError](err); ok {
		return fmt.Errorf("ask model: status %d", e.HTTPStatusCode)
	}
	return fmt.Errorf("ask model: %w", err)
}

func (m *Model) request(q Question) openai.ChatCompletionRequest {
	return openai.ChatCompletionRequest{
		Model: m.name,
		Messages: []openai.ChatCompletionMessage{
			{Role: openai.ChatMessageRoleSystem, Content: instructions(q)},
			{Role: openai.ChatMessageRoleUser, Content: quote(q.Words)},
		},
		MaxCompletionTokens: maxAnswerTokens,
		ResponseFormat: &openai.ChatCompletionResponseFormat{
			Type: openai.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{
				Name: "request", Strict: true, Schema: q.schema(),
			},
		},
	}
}

// check parses the answer and omits every invalid value. An answer that is not JSON of the
// requested schema is an error.
func (q Question) check(content string) (Answer, error) {
	if len(content) > maxAnswer {
		return Answer{}, fmt.Errorf("%d bytes: %w", len(content), ErrNonsense)
	}
	var raw struct {
		Environment string `json:"environment"`
		Request     struct {
			Module string         `json:"module"`
			Values map[string]any `json:"values"`
		} `json:"request"`
	}
	dec := json.NewDecoder(strings.NewReader(content))
	dec.UseNumber()
	if err := dec.Decode(&raw); err != nil {
		return Answer{}, fmt.Errorf("read answer: %w", ErrNonsense)
	}
	a := Answer{Place: q.place(raw.Environment)}
	m := q.module(raw.Request.Module)
	if m == nil {
		return a, nil
	}
	a.Module = m.Name
	a.Config, _ = m.Parse(known(m, raw.Request.Values), q.where(a.Place))
	return a, nil
}

// known returns the values of fields that the module has. null means "not given".
func known(m *catalog.Module, values map[string]any) map[string]any {
	in := map[string]any{}
	for name, v := range values {
		f, ok := m.Field(name)
		if !ok || v == nil {
			continue
		}
		if f.Kind == catalog.Map {
			v = joinPairs(v)
		}
		in[name] = v
	}
	return in
}

// joinPairs turns a list of {name, value} into an object. A strict schema cannot describe
// an object with arbitrary names.
func joinPairs(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for _, item := range list {
		pair, _ := item.(map[string]any)
		if name, ok := pair["name"].(string); ok {
			out[name] = pair["value"]
		}
	}
	return out
}

func (q Question) module(name string) *catalog.Module {
	for _, m := range q.Modules {
		if m.Name == name {
			return m
		}
	}
	return nil
}

func (q Question) place(name string) *catalog.Environment {
	for i, p := range q.Places {
		if placeName(p) == name {
			return &q.Places[i]
		}
	}
	return nil
}

// where returns the environment whose limits apply to the values.
func (q Question) where(chosen *catalog.Environment) catalog.Environment {
	switch {
	case chosen != nil:
		return *chosen
	case q.Here != nil:
		return *q.Here
	default:
		return q.Places[0]
	}
}

func placeName(e catalog.Environment) string { return e.Project + " " + e.Key + "/" + e.Slug }
