// Package intake turns what people write into drafts of requests. It owns the prompts, the
// JSON schema of a model's answer, the check of the answer, and the draft: one module, one
// environment, typed inputs, and what is missing or unclear. It is the only user of go-openai.
//
// The model has no tools: it sees the catalog, the current draft and the newest words, and returns
// data that is checked like a form filled in by hand. No text of a model is ever shown. Questions
// are made here, from the module's schema. A draft creates nothing: a person does, with a click.
// Input that looks like a secret never leaves the process.
package intake

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sashabaranov/go-openai"

	"github.com/tfpilot/tfpilot/internal/secretscan"
)

// Errors that callers tell apart. Any other error means that the model was not reached.
var (
	ErrSecret   = errors.New("the description looks like it contains a secret")
	ErrTimeout  = errors.New("no answer in time")
	ErrNonsense = errors.New("the answer does not match the schema")
	ErrFailing  = errors.New("the model failed within the last minute and is not called")
)

const (
	defaultTimeout = 8 * time.Second
	defaultModel   = "gpt-4o-mini"
	// restTime is how long a model that failed is not called.
	restTime = time.Minute
	// maxWords bounds the description that is sent, in runes.
	maxWords = 2000
	// maxAnswer bounds the answer, in tokens and in bytes.
	maxAnswerTokens = 2000
	maxAnswer       = 64 << 10
	// maxRepeated bounds how much of a malformed answer is sent back for its repair.
	maxRepeated = 4 << 10
	// maxBody bounds a response of the model's server.
	maxBody = 1 << 20
)

// Config is the address of the model and how to call it.
type Config struct {
	Key     string            // required
	BaseURL string            // empty: OpenAI; otherwise any compatible service, including /v1
	Model   string            // empty: defaultModel
	Timeout time.Duration     // zero: defaultTimeout; for one turn with its repair
	HTTP    http.RoundTripper // nil: http.DefaultTransport
}

// Model is a client of one language model.
type Model struct {
	client  *openai.Client
	name    string
	timeout time.Duration

	mu        sync.Mutex
	restUntil time.Time // a failing model is not called before
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

// Read asks the model about new words and returns the drafts that follow from them. A malformed
// answer is repaired once.
func (m *Model) Read(ctx context.Context, t Turn) (Outcome, error) {
	if _, found := secretscan.Credential(t.Words); found {
		return Outcome{}, ErrSecret
	}
	if len(t.Modules) == 0 || len(t.Places) == 0 {
		return Outcome{}, fmt.Errorf("no module or environment to choose from: %w", ErrNonsense)
	}
	if m.resting() {
		return Outcome{}, ErrFailing
	}
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	req, err := m.request(t)
	if err != nil {
		return Outcome{}, err
	}
	content, err := m.complete(ctx, req)
	if err != nil {
		return Outcome{}, err
	}
	items, err := readAnswer(content)
	if err != nil {
		if content, err = m.complete(ctx, repair(req, content, err)); err != nil {
			return Outcome{}, err
		}
		if items, err = readAnswer(content); err != nil {
			return Outcome{}, err
		}
	}
	return t.apply(items), nil
}

// complete makes one call and returns the text of the answer.
func (m *Model) complete(ctx context.Context, req openai.ChatCompletionRequest) (string, error) {
	resp, err := m.client.CreateChatCompletion(ctx, req)
	if err != nil {
		m.failed(err)
		return "", callError(ctx, err)
	}
	if len(resp.Choices) != 1 {
		return "", fmt.Errorf("%d choices: %w", len(resp.Choices), ErrNonsense)
	}
	if refusal := resp.Choices[0].Message.Refusal; refusal != "" {
		return "", fmt.Errorf("the model refused: %w", ErrNonsense)
	}
	return resp.Choices[0].Message.Content, nil
}

func (m *Model) resting() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Now().Before(m.restUntil)
}

// failed remembers a failure that other words would meet too. A refusal of this request alone, such
// as 400, says nothing about the next.
func (m *Model) failed(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	switch status := statusOf(err); status {
	case 0, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests:
	default:
		if status < http.StatusInternalServerError {
			return
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.restUntil = time.Now().Add(restTime)
}

// statusOf returns the status of an answer, 0 without one.
func statusOf(err error) int {
	if e, ok := errors.AsType[*openai.APIError](err); ok {
		return e.HTTPStatusCode
	}
	if e, ok := errors.AsType[*openai.RequestError](err); ok {
		return e.HTTPStatusCode
	}
	return 0
}

// callError describes an error. It omits the text of the server, which may repeat the
// description or the key.
func callError(ctx context.Context, err error) error {
	var timeout interface{ Timeout() bool }
	if ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout() {
		return ErrTimeout
	}
	if status := statusOf(err); status != 0 {
		return fmt.Errorf("ask model: status %d", status)
	}
	return fmt.Errorf("ask model: %w", err)
}

func (m *Model) request(t Turn) (openai.ChatCompletionRequest, error) {
	system, err := instructions(t)
	if err != nil {
		return openai.ChatCompletionRequest{}, err
	}
	return openai.ChatCompletionRequest{
		Model: m.name,
		Messages: []openai.ChatCompletionMessage{
			{Role: openai.ChatMessageRoleSystem, Content: system},
			{Role: openai.ChatMessageRoleUser, Content: quote(t.Words)},
		},
		MaxCompletionTokens: maxAnswerTokens,
		ResponseFormat: &openai.ChatCompletionResponseFormat{
			Type: openai.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{
				Name: "requests", Strict: true, Schema: t.schema(),
			},
		},
	}, nil
}

// repair is the request for the same answer once more, in the right form.
func repair(req openai.ChatCompletionRequest, content string, cause error) openai.ChatCompletionRequest {
	req.Messages = append(req.Messages[:len(req.Messages):len(req.Messages)],
		openai.ChatCompletionMessage{
			Role:    openai.ChatMessageRoleAssistant,
			Content: strings.ToValidUTF8(content[:min(len(content), maxRepeated)], ""),
		},
		openai.ChatCompletionMessage{Role: openai.ChatMessageRoleUser, Content: repairPrompt(cause)},
	)
	return req
}
