package github_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// description is the part of GitHub's OpenAPI description in testdata. testdata/extract makes it from
// @octokit/openapi (MIT, see testdata/LICENSE.octokit-openapi).
type description struct {
	Operations map[string]map[string]any `json:"operations"` // by "METHOD /path", then status
	Webhooks   map[string]any            `json:"webhooks"`
	Schemas    map[string]any            `json:"schemas"`

	patterns []operation // the most literal first
}

type operation struct {
	name  string
	match *regexp.Regexp
}

var official = sync.OnceValue(func() *description {
	data, err := os.ReadFile("testdata/openapi.json")
	if err != nil {
		panic(err)
	}
	d := &description{}
	if err := json.Unmarshal(data, d); err != nil {
		panic(err)
	}
	param := regexp.MustCompile(`\\\{[^}]+\\\}`)
	for name := range d.Operations {
		expr := param.ReplaceAllString(regexp.QuoteMeta(name), "[^/]+")
		if before, last := strings.CutSuffix(expr, "[^/]+"); last {
			expr = before + ".+" // refs, paths and comparisons contain slashes
		}
		d.patterns = append(d.patterns, operation{name, regexp.MustCompile("^" + expr + "$")})
	}
	slices.SortFunc(d.patterns, func(a, b operation) int {
		literal := func(o operation) int { return len(regexp.MustCompile(`\{[^}]+\}`).ReplaceAllString(o.name, "")) }
		return literal(b) - literal(a)
	})
	return d
})

func (d *description) operation(method, path string) string {
	for _, o := range d.patterns {
		if o.match.MatchString(method + " " + path) {
			return o.name
		}
	}
	return ""
}

// misdescribed requires an organization's account to be an enterprise too.
var misdescribed = map[string]bool{"GET /app/installations": true}

// checked compares every answer of the simulator, in any test, with GitHub's own description.
type checked struct {
	t    *testing.T
	next http.RoundTripper
}

func (c checked) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	d := official()
	name := d.operation(req.Method, strings.TrimPrefix(req.URL.Path, "/api/v3"))
	if misdescribed[name] || name == "" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return resp, nil
	}
	schema, described := d.Operations[name][fmt.Sprint(resp.StatusCode)]
	if !described && resp.StatusCode < 300 {
		c.t.Errorf("%s answers %d, which is not described", name, resp.StatusCode)
	}
	c.t.Helper()
	d.check(c.t, fmt.Sprintf("%s %d", name, resp.StatusCode), schema, body)
	return resp, nil
}

func (d *description) check(t *testing.T, what string, schema any, body []byte) {
	t.Helper()
	if schema == nil {
		return
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	for _, fault := range d.faults(schema, v, "") {
		t.Errorf("%s: %s", what, fault)
	}
}

// faults lists how a value violates a schema.
func (d *description) faults(schema, v any, at string) []string {
	s, _ := schema.(map[string]any)
	if ref, is := s["$ref"].(string); is {
		return d.faults(d.Schemas[ref], v, at)
	}
	if v == nil && s["nullable"] == true {
		return nil
	}
	var out []string
	for _, part := range paginate(s["allOf"]) {
		out = append(out, d.faults(part, v, at)...)
	}
	if choices := append(paginate(s["anyOf"]), paginate(s["oneOf"])...); len(choices) > 0 {
		out = append(out, d.nearest(choices, v, at)...)
	}
	if allowed := paginate(s["enum"]); len(allowed) > 0 && !slices.ContainsFunc(allowed, func(a any) bool {
		return a == v
	}) {
		out = append(out, fmt.Sprintf("%s is %v, not one of %v", at, v, allowed))
	}
	if kind, is := s["type"].(string); is {
		out = append(out, d.typed(kind, s, v, at)...)
	}
	return out
}

// nearest accepts any matching choice, or else reports the one with the fewest faults.
func (d *description) nearest(choices []any, v any, at string) []string {
	var best []string
	for i, c := range choices {
		f := d.faults(c, v, at)
		if len(f) == 0 {
			return nil
		}
		if i == 0 || len(f) < len(best) {
			best = f
		}
	}
	return best
}

func paginate(v any) []any {
	l, _ := v.([]any)
	return l
}

func (d *description) typed(kind string, s map[string]any, v any, at string) []string {
	wrong := []string{fmt.Sprintf("%s is %T, not %s", at, v, kind)}
	switch kind {
	case "object":
		o, is := v.(map[string]any)
		if !is {
			return wrong
		}
		return d.object(s, o, at)
	case "array":
		items, is := v.([]any)
		if !is {
			return wrong
		}
		var out []string
		for i, item := range items {
			out = append(out, d.faults(s["items"], item, fmt.Sprintf("%s[%d]", at, i))...)
		}
		return out
	case "string":
		text, is := v.(string)
		if !is {
			return wrong
		}
		return formatted(s["format"], text, at)
	case "integer", "number":
		if n, is := v.(float64); !is || kind == "integer" && n != math.Trunc(n) {
			return wrong
		}
	case "boolean":
		if _, is := v.(bool); !is {
			return wrong
		}
	}
	return nil
}

func (d *description) object(s, o map[string]any, at string) []string {
	var out []string
	for _, name := range paginate(s["required"]) {
		if _, has := o[name.(string)]; !has {
			out = append(out, fmt.Sprintf("%s.%s is missing", at, name))
		}
	}
	properties, _ := s["properties"].(map[string]any)
	for name, v := range o {
		switch {
		case properties[name] != nil:
			out = append(out, d.faults(properties[name], v, at+"."+name)...)
		case s["additionalProperties"] == false:
			out = append(out, fmt.Sprintf("%s.%s is not described", at, name))
		}
	}
	return out
}

func formatted(format any, text, at string) []string {
	var err error
	switch format {
	case "date-time":
		_, err = time.Parse(time.RFC3339, text)
	case "uri":
		_, err = url.Parse(strings.NewReplacer("{", "", "}", "").Replace(text))
	}
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", at, err)}
	}
	return nil
}

// The check itself can fail.
func TestCheckerFindsFaults(t *testing.T) {
	d := official()
	schema := d.Operations["GET /repos/{owner}/{repo}/pulls/{number}"]["200"]
	if faults := d.faults(schema, map[string]any{"id": "seven", "number": 1.5, "state": "ajar"}, ""); len(faults) < 20 {
		t.Errorf("a wrong pull request has only these faults: %v", faults)
	}
	if name := d.operation("GET",
		"/repos/a/b/pulls/7/reviews"); name != "GET /repos/{owner}/{repo}/pulls/{number}/reviews" {
		t.Errorf("operation: %s", name)
	}
}
