package bootstrap

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// A lock file fixes the version of each provider and the checksums of its packages. Terraform
// refuses a provider that does not match. Without a committed lock file, each run could download
// another provider than the plan that people approved, with the credentials of the run.
//
// Terraform can write this file, but it needs to be installed, and downloads each provider for
// each platform. This file asks the registry instead, over the provider registry protocol:
// service discovery, the list of versions, then the file with the checksums (zh:) of all
// platforms.

// LockFile is the name of the file that fixes the providers of a root.
const LockFile = ".terraform.lock.hcl"

// Locked is one provider in a lock file.
type Locked struct {
	Source  string   // registry.terraform.io/hashicorp/aws
	Version string   // exact
	Hashes  []string // zh: of a zip file, h1: of what is in it
}

// RenderLock writes a lock file.
func RenderLock(providers []Locked) []byte {
	f := hclwrite.NewEmptyFile()
	f.Body().AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment,
		Bytes: []byte("# Written by tfpilot bootstrap. Terraform accepts these providers and no others.\n")}})
	for _, p := range providers {
		f.Body().AppendNewline()
		body := f.Body().AppendNewBlock("provider", []string{p.Source}).Body()
		body.SetAttributeValue("version", cty.StringVal(p.Version))
		hashes := make([]cty.Value, len(p.Hashes))
		for i, hash := range slices.Sorted(slices.Values(p.Hashes)) {
			hashes[i] = cty.StringVal(hash)
		}
		if len(hashes) > 0 {
			body.SetAttributeValue("hashes", cty.ListVal(hashes))
		}
	}
	return hclwrite.Format(f.Bytes())
}

// AddLock puts the lock file beside the backend.tf of each root of a rendered repository.
func AddLock(files map[string][]byte, lock []byte) {
	for _, name := range slices.Collect(maps.Keys(files)) {
		if strings.HasPrefix(name, "envs/") && path.Base(name) == "backend.tf" {
			files[path.Dir(name)+"/"+LockFile] = lock
		}
	}
}

const (
	defaultHost = "registry.terraform.io"
	// For each request; a lock needs a few for each provider.
	lookUpTime   = 15 * time.Second
	maxLookUp    = 8 << 20
	sumsPlatform = "linux/amd64" // any has the checksums of all
)

// Registry finds the providers that the code of a repository needs.
type Registry struct {
	Client *http.Client                 // required
	Base   func(host string) (u string) // address of a registry; https://<host> when nil
}

// Lock fixes the newest versions that fit every required_providers block of the files.
func (r Registry) Lock(ctx context.Context, files map[string][]byte) ([]Locked, error) {
	needed, err := requirements(files)
	if err != nil {
		return nil, err
	}
	var locked []Locked
	for _, source := range slices.Sorted(maps.Keys(needed)) {
		one, err := r.lockOne(ctx, source, needed[source])
		if err != nil {
			return nil, fmt.Errorf("lock provider %s: %w", source, err)
		}
		locked = append(locked, one)
	}
	return locked, nil
}

// providerSource is a provider's address; the host and hashicorp may be left out.
var providerSource = regexp.MustCompile(`^([A-Za-z0-9.-]+(:[0-9]+)?/)?([A-Za-z0-9_-]+/)?[A-Za-z0-9_-]+$`)

// requirements lists the version constraints by the whole address of the provider.
func requirements(files map[string][]byte) (map[string]version.Constraints, error) {
	needed := map[string]version.Constraints{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Ext(name) != ".tf" {
			continue
		}
		parsed, diags := hclsyntax.ParseConfig(files[name], name, hcl.InitialPos)
		if diags.HasErrors() {
			return nil, fmt.Errorf("parse: %w", diags)
		}
		for _, block := range parsed.Body.(*hclsyntax.Body).Blocks {
			if block.Type != "terraform" {
				continue
			}
			for _, inner := range block.Body.Blocks {
				if inner.Type != "required_providers" {
					continue
				}
				for local, attr := range inner.Body.Attributes {
					if err := addRequirement(needed, local, attr.Expr); err != nil {
						return nil, fmt.Errorf("%s: provider %s: %w", name, local, err)
					}
				}
			}
		}
	}
	return needed, nil
}

func addRequirement(needed map[string]version.Constraints, local string, expr hclsyntax.Expression) error {
	said := map[string]string{"source": "hashicorp/" + local}
	if object, ok := expr.(*hclsyntax.ObjectConsExpr); ok {
		for _, item := range object.Items {
			key, _ := item.KeyExpr.Value(nil)
			if !key.IsWhollyKnown() || key.IsNull() || key.Type() != cty.String {
				continue
			}
			value, diags := item.ValueExpr.Value(nil)
			if !diags.HasErrors() && !value.IsNull() && value.Type() == cty.String { // not configuration_aliases
				said[key.AsString()] = value.AsString()
			}
		}
	} else if value, diags := expr.Value(nil); !diags.HasErrors() && !value.IsNull() && value.Type() == cty.String {
		said["version"] = value.AsString() // as it was written before Terraform 0.13
	}
	source := said["source"]
	if !providerSource.MatchString(source) {
		return fmt.Errorf("%q is not a provider's address", source)
	}
	switch strings.Count(source, "/") {
	case 0:
		source = defaultHost + "/hashicorp/" + source
	case 1:
		source = defaultHost + "/" + source
	}
	// Part of Terraform itself; a lock file does not list it.
	if strings.HasPrefix(source, "terraform.io/builtin/") {
		return nil
	}
	constraints := needed[source]
	if said["version"] != "" {
		more, err := version.NewConstraint(said["version"])
		if err != nil {
			return fmt.Errorf("version %q: %w", said["version"], err)
		}
		constraints = append(constraints, more...)
	}
	needed[source] = constraints
	return nil
}

// lockOne chooses the newest version that satisfies all constraints. A prerelease is never
// chosen: Terraform, too, takes one only if a constraint names it exactly.
func (r Registry) lockOne(ctx context.Context, source string, constraints version.Constraints) (Locked, error) {
	host, name, _ := strings.Cut(source, "/")
	base := "https://" + host
	if r.Base != nil {
		base = r.Base(host)
	}
	var services struct {
		Providers string `json:"providers.v1"`
	}
	if err := r.getJSON(ctx, base+"/.well-known/terraform.json", &services); err != nil {
		return Locked{}, err
	}
	at, err := resolve(base+"/.well-known/terraform.json", services.Providers)
	if err != nil || services.Providers == "" {
		return Locked{}, fmt.Errorf("%s offers no providers", host)
	}
	at = strings.TrimSuffix(at, "/") + "/" + name
	var offered struct {
		Versions []struct{ Version string }
	}
	if err := r.getJSON(ctx, at+"/versions", &offered); err != nil {
		return Locked{}, err
	}
	var newest *version.Version
	for _, one := range offered.Versions {
		v, err := version.NewVersion(one.Version)
		if err == nil && v.Prerelease() == "" && constraints.Check(v) && (newest == nil || v.GreaterThan(newest)) {
			newest = v
		}
	}
	if newest == nil {
		return Locked{}, fmt.Errorf("no version matches %s", constraints)
	}
	hashes, err := r.checksums(ctx, at+"/"+newest.String()+"/download/"+sumsPlatform)
	return Locked{Source: source, Version: newest.String(), Hashes: hashes}, err
}

// checksums reads the SHA-256 of the zip files of all platforms.
func (r Registry) checksums(ctx context.Context, download string) ([]string, error) {
	var answer struct {
		Sums string `json:"shasums_url"`
	}
	if err := r.getJSON(ctx, download, &answer); err != nil {
		return nil, err
	}
	at, err := resolve(download, answer.Sums)
	if err != nil || answer.Sums == "" {
		return nil, fmt.Errorf("the registry names no checksums")
	}
	data, err := r.get(ctx, at)
	if err != nil {
		return nil, err
	}
	var hashes []string
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 2 && strings.HasSuffix(fields[1], ".zip") && sha256RE.MatchString(fields[0]) {
			hashes = append(hashes, "zh:"+fields[0])
		}
	}
	if len(hashes) == 0 {
		return nil, fmt.Errorf("%s holds no checksums", at)
	}
	return hashes, nil
}

// resolve returns an address that may be relative to the document that contains it, as the
// protocol allows.
func resolve(base, ref string) (string, error) {
	from, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	to, err := from.Parse(ref)
	if err != nil {
		return "", err
	}
	return to.String(), nil
}

func (r Registry) getJSON(ctx context.Context, address string, into any) error {
	data, err := r.get(ctx, address)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read %s: %w", address, err)
	}
	return nil
}

func (r Registry) get(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := r.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxLookUp))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("get %s: %s", address, resp.Status)
	}
	return data, err
}
