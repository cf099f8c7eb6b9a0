// Command extract extracts from the OpenAPI description of GitHub what the simulator answers: for each
// of its routes the response schemas, the payloads of the webhooks, and all schemas that they refer
// to, without prose.
//
//	npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-*.tgz
//	go run ./testdata/extract package/generated/api.github.com.json testdata/routes.txt > testdata/openapi.json
package main

import (
	"encoding/json"
	"log"
	"os"
	"regexp"
	"strings"
)

var webhooks = []string{
	"workflow-run-requested", "workflow-run-in-progress", "workflow-run-completed",
	"pull-request-opened", "pull-request-synchronize", "pull-request-closed", "pull-request-reopened",
	"pull-request-edited",
	"pull-request-review-submitted", "pull-request-review-dismissed",
}

// prose is omitted: a program cannot check it.
var prose = []string{
	"description", "summary", "example", "examples", "title", "externalDocs", "x-github", "x-multi-segment", "default",
	"links", "headers",
	"deprecated", "readOnly",
}

type spec struct {
	doc  map[string]any
	out  map[string]any // ref to schema
	todo []string
}

func main() {
	log.SetFlags(0)
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	routes, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	s := &spec{out: map[string]any{}}
	if err := json.Unmarshal(data, &s.doc); err != nil {
		log.Fatal(err)
	}
	result := map[string]any{"operations": s.operations(string(routes)), "webhooks": s.payloads()}
	for len(s.todo) > 0 {
		ref := s.todo[0]
		s.todo = s.todo[1:]
		if s.out[ref] == nil {
			s.out[ref] = s.clean(s.find(ref))
		}
	}
	result["schemas"] = s.out
	enc := json.NewEncoder(os.Stdout)
	if err := enc.Encode(result); err != nil {
		log.Fatal(err)
	}
}

var param = regexp.MustCompile(`\{[^}]+\}`)

// operations matches routes and paths without the names of their parameters.
func (s *spec) operations(routes string) map[string]any {
	paths := map[string]any{}
	for path, item := range s.doc["paths"].(map[string]any) {
		paths[param.ReplaceAllString(path, "{}")] = item
	}
	out := map[string]any{}
	for _, line := range strings.Split(strings.TrimSpace(routes), "\n") {
		method, path, _ := strings.Cut(line, " ")
		item, _ := paths[param.ReplaceAllString(path, "{}")].(map[string]any)
		op, _ := item[strings.ToLower(method)].(map[string]any)
		if op == nil {
			log.Printf("not described: %s", line)
			continue
		}
		out[line] = s.responses(op)
	}
	return out
}

func (s *spec) responses(op map[string]any) map[string]any {
	out := map[string]any{}
	for status, raw := range op["responses"].(map[string]any) {
		r := raw.(map[string]any)
		if ref, is := r["$ref"].(string); is {
			r = s.find(ref).(map[string]any)
		}
		content, _ := r["content"].(map[string]any)
		media, _ := content["application/json"].(map[string]any)
		out[status] = s.clean(media["schema"])
	}
	return out
}

func (s *spec) payloads() map[string]any {
	out := map[string]any{}
	hooks := s.doc["x-webhooks"].(map[string]any)
	for _, name := range webhooks {
		post := hooks[name].(map[string]any)["post"].(map[string]any)
		body := post["requestBody"].(map[string]any)["content"].(map[string]any)["application/json"].(map[string]any)
		out[name] = s.clean(body["schema"])
	}
	return out
}

func (s *spec) find(ref string) any {
	var at any = s.doc
	for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(map[string]any)[part]
	}
	return at
}

func (s *spec) clean(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = s.clean(v[i])
		}
	case map[string]any:
		if ref, is := v["$ref"].(string); is {
			s.todo = append(s.todo, ref)
			return map[string]any{"$ref": ref}
		}
		for _, key := range prose {
			if _, isSchema := v[key].(map[string]any); !isSchema || key == "x-github" || key == "externalDocs" {
				delete(v, key)
			}
		}
		for key, child := range v {
			v[key] = s.clean(child)
		}
	}
	return v
}
