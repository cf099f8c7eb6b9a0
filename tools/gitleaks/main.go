// Gitleaks converts the rules of gitleaks to the file that internal/secretscan embeds. Run it in the
// directory tools:
//
//	go run ./gitleaks -dir "$(go mod download -json github.com/zricethezav/gitleaks/v8@v8.30.1 | jq -r .Dir)" -version v8.30.1
//
// The product does not depend on gitleaks. It uses only this file of patterns, under its license.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// leftOut lists rules that do not work for a plan or a form, with the reason.
var leftOut = map[string]string{
	"generic-api-key":          "secretscan has its own rule for what is assigned to a name",
	"kubernetes-secret-yaml":   "needs the name of a file; names and base64 are scanned by themselves",
	"pkcs12-file":              "is only a name of a file",
	"private-key":              "secretscan finds keys that are cut, escaped or encrypted",
	"sourcegraph-access-token": "matches every git commit id beside the word; secretscan has the anchored half",
	"curl-auth-user":           "secretscan has a bounded one",
	"curl-auth-header":         "secretscan finds headers anywhere",
}

type allow struct {
	Description string   `toml:"description" json:"-"`
	Condition   string   `toml:"condition" json:"condition,omitempty"`
	Target      string   `toml:"regexTarget" json:"target,omitempty"`
	Regexes     []string `toml:"regexes" json:"regexes,omitempty"`
	Stopwords   []string `toml:"stopwords" json:"stopwords,omitempty"`
	Paths       []string `toml:"paths" json:"-"`
}

type rule struct {
	ID          string   `toml:"id" json:"id"`
	Description string   `toml:"description" json:"-"`
	Regex       string   `toml:"regex" json:"regex"`
	Path        string   `toml:"path" json:"-"`
	SecretGroup int      `toml:"secretGroup" json:"group,omitempty"`
	Entropy     float64  `toml:"entropy" json:"entropy,omitempty"`
	Keywords    []string `toml:"keywords" json:"keywords"`
	Allowlists  []allow  `toml:"allowlists" json:"allow,omitempty"`
}

type config struct {
	Allowlist allow  `toml:"allowlist"`
	Rules     []rule `toml:"rules"`
}

// file is the file that secretscan reads.
type file struct {
	Source  string `json:"source"`
	License string `json:"license"`
	Allow   allow  `json:"allow"`
	Rules   []rule `json:"rules"`
}

func main() {
	dir := flag.String("dir", "", "directory of the module github.com/zricethezav/gitleaks/v8")
	version := flag.String("version", "", "its version")
	to := flag.String("to", "../internal/secretscan", "directory of secretscan")
	flag.Parse()
	if err := run(*dir, *version, *to); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir, version, to string) error {
	if dir == "" || version == "" {
		return fmt.Errorf("-dir and -version are required")
	}
	var in config
	if _, err := toml.DecodeFile(filepath.Join(dir, "config", "gitleaks.toml"), &in); err != nil {
		return fmt.Errorf("read rules: %w", err)
	}
	license, err := os.ReadFile(filepath.Join(dir, "LICENSE"))
	if err != nil {
		return fmt.Errorf("read license: %w", err)
	}
	out, err := convert(in)
	if err != nil {
		return err
	}
	out.Source = "github.com/zricethezav/gitleaks/v8 " + version + ", config/gitleaks.toml"
	out.License = "MIT, Copyright (c) 2019 Zachary Rice; full text in LICENSE.gitleaks"
	content, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		return fmt.Errorf("write rules: %w", err)
	}
	if err := os.WriteFile(filepath.Join(to, "LICENSE.gitleaks"), license, 0o644); err != nil {
		return fmt.Errorf("write license: %w", err)
	}
	if err := os.WriteFile(filepath.Join(to, "gitleaks.json"), append(content, '\n'), 0o644); err != nil {
		return fmt.Errorf("write rules: %w", err)
	}
	fmt.Printf("%d rules of %d\n", len(out.Rules), len(in.Rules))
	return nil
}

func convert(in config) (file, error) {
	out := file{Allow: in.Allowlist}
	for _, r := range in.Rules {
		if _, skip := leftOut[r.ID]; skip || r.Path != "" {
			continue
		}
		if len(r.Keywords) == 0 {
			return file{}, fmt.Errorf("rule %s has no keyword to find it by", r.ID)
		}
		if _, err := regexp.Compile(r.Regex); err != nil {
			return file{}, fmt.Errorf("rule %s: %w", r.ID, err)
		}
		for i := range r.Keywords {
			r.Keywords[i] = strings.ToLower(r.Keywords[i])
		}
		r.Allowlists = slices.DeleteFunc(r.Allowlists, func(a allow) bool {
			return len(a.Regexes) == 0 && len(a.Stopwords) == 0 || strings.EqualFold(a.Condition, "AND") && len(a.Paths) > 0
		})
		out.Rules = append(out.Rules, r)
	}
	return out, nil
}
