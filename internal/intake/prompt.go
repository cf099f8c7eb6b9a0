package intake

import (
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/template"
	"unicode"

	"github.com/tfpilot/tfpilot/internal/catalog"
)

//go:embed prompt/*.md
var promptFiles embed.FS

var prompts = template.Must(template.ParseFS(promptFiles, "prompt/*.md"))

// instructions returns the system prompt. It describes the one task and marks the
// person's words as data, never as instructions.
func instructions(t Turn) (string, error) {
	data := struct {
		MaxDrafts                    int
		Current, Module, Place, Here string
		Modules                      []*catalog.Module
		Places                       []string
	}{MaxDrafts: MaxDrafts, Modules: t.Modules}
	for _, p := range t.Places {
		data.Places = append(data.Places, placeName(p))
	}
	if t.Here != nil {
		data.Here = placeName(*t.Here)
	}
	if len(t.Drafts) > 0 && t.Drafts[0].Module != "" {
		d := t.Drafts[0]
		inputs, err := json.Marshal(d.Inputs)
		if err != nil {
			return "", fmt.Errorf("encode draft: %w", err)
		}
		data.Current, data.Module = unquoted(string(inputs)), d.Module
		if d.Environment != "" {
			data.Place = d.Project + " " + d.Environment
		}
	}
	var b strings.Builder
	if err := prompts.ExecuteTemplate(&b, "system.md", data); err != nil {
		return "", fmt.Errorf("write prompt: %w", err)
	}
	return b.String(), nil
}

// repairPrompt asks for the answer again and names the error, which is about the form of the
// answer.
func repairPrompt(cause error) string {
	var b strings.Builder
	if prompts.ExecuteTemplate(&b, "repair.md", cause.Error()) != nil {
		return "Answer again with JSON that matches the schema."
	}
	return b.String()
}

// quote bounds the words and escapes them, so that they cannot close the <words> element.
func quote(words string) string {
	words = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(words, "\uFFFD"))
	if runes := []rune(words); len(runes) > maxWords {
		words = string(runes[:maxWords])
	}
	return "<words>\n" + unquoted(words) + "\n</words>"
}

// Similar characters replace the brackets, so that the model still sees what was meant.
var angles = strings.NewReplacer("<", "‹", ">", "›")

// unquoted replaces the characters that make elements.
func unquoted(text string) string { return angles.Replace(text) }

// bounded is a transport that limits the size of a response.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	next := b.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxBody), resp.Body}
	return resp, nil
}
