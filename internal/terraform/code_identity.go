package terraform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// CodeIdentity identifies the code of a plan: everything that the run reads except the files of
// other requests. It is part of the summary, so approving the plan approves exactly this code. A
// run computes it from git before Terraform starts, so a change on the default branch is
// detected even if no plan shows it.
type CodeIdentity struct {
	Terraform string            // version
	Files     map[string]string // git id by path in the repository; the path of a directory ends in a slash
	Remote    map[string]Remote // by the name of the directory that init fetched the module into
}

// Remote is a module from outside the repository, as `terraform init` fetched it.
type Remote struct {
	Source  string `json:"source"`
	Version string `json:"version,omitempty"` // of a module registry
	Hash    string `json:"hash"`              // of all its files
}

func (c CodeIdentity) document() map[string]any {
	doc := map[string]any{"terraform": c.Terraform, "files": c.Files}
	if len(c.Remote) > 0 {
		doc["remote"] = c.Remote
	}
	return doc
}

// Bytes returns the canonical document that a run passes from step to step.
func (c CodeIdentity) Bytes() []byte { return canonical(c.document()) }

// ParseCodeIdentity reads a canonical document.
// Another form of the same document would have other bytes, so a digest over it would not match.
func ParseCodeIdentity(content []byte) (CodeIdentity, error) {
	var doc codeDocument
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&doc); err != nil {
		return CodeIdentity{}, fmt.Errorf("parse code identity: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF || !bytes.Equal(CodeIdentity(doc).Bytes(), content) {
		return CodeIdentity{}, fmt.Errorf("parse code identity: not in canonical form")
	}
	return CodeIdentity(doc), nil
}

// codeDocument is the JSON form of CodeIdentity.
type codeDocument struct {
	Terraform string            `json:"terraform"`
	Files     map[string]string `json:"files"`
	Remote    map[string]Remote `json:"remote"`
}

// Local is the part that is known before `terraform init`.
func (c CodeIdentity) Local() CodeIdentity {
	return CodeIdentity{Terraform: c.Terraform, Files: c.Files}
}

// Differences describes how another identity differs: paths, remote modules, the Terraform
// version.
func (c CodeIdentity) Differences(now CodeIdentity) []string {
	names := ChangedKeys(c.Files, now.Files)
	for _, key := range ChangedKeys(c.Remote, now.Remote) {
		names = append(names, "module "+key)
	}
	if c.Terraform != now.Terraform {
		names = append(names, fmt.Sprintf("Terraform %s, now %s", c.Terraform, now.Terraform))
	}
	return names
}

// ChangedKeys lists the keys whose values differ, or that only one of two tables has.
func ChangedKeys[V comparable](before, now map[string]V) []string {
	all := maps.Clone(now)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, before)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(key string) bool {
		was, had := before[key]
		is, has := now[key]
		return had == has && was == is
	})
}
