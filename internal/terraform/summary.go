package terraform

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// The document behind an approval. A digest over bytes needs one form for each content, so Bytes
// sorts keys, leaves out empty fields and keeps numbers as they are, and ParseSummary accepts
// only that form. A new field must be left out when it is empty: otherwise stored summaries would
// get other digests, and every open approval would be lost.

// Summary is the document that an approver sees of a plan and whose digest the approval is bound
// to. Two runs that plan the same changes produce the same bytes.
type Summary struct {
	Changes   []Change
	Providers []Provider    // of the changes
	Code      *CodeIdentity // what the plan was made of; summaries before 2026-11-30 have none
}

// Change is one managed resource that the plan changes, moves or imports, or a data source or
// ephemeral resource that the apply reads.
type Change struct {
	Address         string
	Deposed         string // key of an object left over from a replacement
	Type            string
	Provider        string
	Configuration   string   // name of the Provider, where it is not the root's only one
	Actions         []string // as Terraform orders them: a replacement is delete, create or create, delete
	Reason          string
	PreviousAddress string
	Importing       string // id of what is imported
	ReplacePaths    []any
	Before          map[string]any // of the attributes that differ; of a delete only id, arn and name
	After           map[string]any
	Unknown         []string       // paths of what is known only after the apply
	Commands        []any          // provisioners: {"type": t, "config": c}, which run beside what the plan shows
	Warnings        []string       // what the approver cannot see in the change, in words
	Settings        map[string]any // of an ephemeral resource: its arguments as written
	WriteOnly       map[string]any // arguments that no plan shows, by path: {"value": hidden, "from": ephemeral resources}
}

// Kind is what happens to the resource in one word: create, update, replace, delete, move, import or read.
func (c Change) Kind() string {
	switch strings.Join(c.Actions, ",") {
	case "delete,create", "create,delete":
		return "replace"
	case "no-op":
		if c.Importing != "" {
			return "import"
		}
		return "move"
	}
	return c.Actions[0]
}

// Counts counts the changes of a plan by kind. A replacement counts once, as a replacement.
type Counts struct {
	Add     int `json:"add"`
	Change  int `json:"change"`
	Destroy int `json:"destroy"`
	Replace int `json:"replace"`
}

// Counts counts the changes.
func (s *Summary) Counts() Counts {
	var n Counts
	for _, c := range s.Changes {
		switch c.Kind() {
		case "create":
			n.Add++
		case "update":
			n.Change++
		case "delete":
			n.Destroy++
		case "replace":
			n.Replace++
		}
	}
	return n
}

// The risks of a plan. The worst change decides.
const (
	RiskNone    = "none"
	RiskReplace = "replace"
	RiskDestroy = "destroy"
)

// Risk returns the risk of the plan's worst change.
func (s *Summary) Risk() string {
	switch n := s.Counts(); {
	case n.Destroy > 0:
		return RiskDestroy
	case n.Replace > 0:
		return RiskReplace
	}
	return RiskNone
}

// Destroyed lists the addresses that the plan destroys or replaces.
func (s *Summary) Destroyed() []string {
	var gone []string
	for _, c := range s.Changes {
		if kind := c.Kind(); kind == "delete" || kind == "replace" {
			gone = append(gone, c.Address)
		}
	}
	return gone
}

// Bytes is the canonical document: sorted keys, exact numbers, one final newline.
func (s *Summary) Bytes() []byte {
	changes := make([]any, len(s.Changes))
	for i, c := range s.Changes {
		changes[i] = c.document()
	}
	doc := map[string]any{"changes": changes}
	if len(s.Providers) > 0 {
		providers := make([]any, len(s.Providers))
		for i, p := range s.Providers {
			providers[i] = p.document()
		}
		doc["providers"] = providers
	}
	if s.Code != nil {
		doc["code"] = s.Code.document()
	}
	return canonical(doc)
}

// Digest returns the digest that an approval is bound to: "sha256:" and 64 hexadecimal digits.
func (s *Summary) Digest() string { return Digest(s.Bytes()) }

// Digest is the digest of the bytes of a summary.
func Digest(summary []byte) string {
	sum := sha256.Sum256(summary)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// document returns the change as JSON types. The names are stored, so they cannot change.
func (c Change) document() map[string]any {
	doc := map[string]any{"address": c.Address, "type": c.Type, "provider": c.Provider, "actions": c.Actions}
	for name, text := range map[string]string{
		"deposed": c.Deposed, "reason": c.Reason, "previousAddress": c.PreviousAddress, "importing": c.Importing,
		"configuration": c.Configuration,
	} {
		if text != "" {
			doc[name] = text
		}
	}
	if len(c.ReplacePaths) > 0 {
		doc["replacePaths"] = c.ReplacePaths
	}
	if len(c.Before) > 0 {
		doc["before"] = c.Before
	}
	if len(c.After) > 0 {
		doc["after"] = c.After
	}
	if len(c.Unknown) > 0 {
		doc["unknown"] = c.Unknown
	}
	if len(c.Commands) > 0 {
		doc["commands"] = c.Commands
	}
	if len(c.Warnings) > 0 {
		doc["warnings"] = c.Warnings
	}
	if len(c.Settings) > 0 {
		doc["settings"] = c.Settings
	}
	if len(c.WriteOnly) > 0 {
		doc["writeOnly"] = c.WriteOnly
	}
	return doc
}

// canonical encodes JSON with sorted keys, without HTML escapes, and with a final newline. Its
// input consists of JSON types only, so encoding cannot fail.
func canonical(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("encode %T: %v", value, err))
	}
	return out.Bytes()
}

// ParseSummary reads a stored summary. It accepts only the canonical form, so the result has the
// digest of the stored bytes.
func ParseSummary(content []byte) (*Summary, error) {
	var doc struct {
		Changes []struct {
			Address         string         `json:"address"`
			Deposed         string         `json:"deposed"`
			Type            string         `json:"type"`
			Provider        string         `json:"provider"`
			Configuration   string         `json:"configuration"`
			Actions         []string       `json:"actions"`
			Reason          string         `json:"reason"`
			PreviousAddress string         `json:"previousAddress"`
			Importing       string         `json:"importing"`
			ReplacePaths    []any          `json:"replacePaths"`
			Before          map[string]any `json:"before"`
			After           map[string]any `json:"after"`
			Unknown         []string       `json:"unknown"`
			Commands        []any          `json:"commands"`
			Warnings        []string       `json:"warnings"`
			Settings        map[string]any `json:"settings"`
			WriteOnly       map[string]any `json:"writeOnly"`
		} `json:"changes"`
		Providers []struct {
			Name   string         `json:"name"`
			Source string         `json:"source"`
			Config map[string]any `json:"config"`
		} `json:"providers"`
		Code *codeDocument `json:"code"`
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&doc); err != nil {
		return nil, fmt.Errorf("parse summary: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("parse summary: more than one document")
	}
	s := &Summary{Code: (*CodeIdentity)(doc.Code)}
	for _, c := range doc.Changes {
		if len(c.Actions) == 0 || c.Address == "" {
			return nil, fmt.Errorf("parse summary: a change without address or action")
		}
		s.Changes = append(s.Changes, Change(c))
	}
	for _, p := range doc.Providers {
		s.Providers = append(s.Providers, Provider(p))
	}
	if !bytes.Equal(s.Bytes(), content) {
		return nil, fmt.Errorf("parse summary: not in canonical form")
	}
	return s, nil
}
