// Command gen reads the schema facts of the AWS provider from the published npm package
// @cdktf/provider-aws and writes them, or compares them with the committed ones. It owns the pinned
// version and the list of resources. It downloads nothing: check.sh gets the package with npm.
//
//	go run ./internal/sim/aws/provider/schema/gen -tarball FILE -out facts.json
//	go run ./internal/sim/aws/provider/schema/gen -tarball FILE -check facts.json
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tfpilot/tfpilot/internal/sim/aws/provider/schema"
)

const (
	pkg       = "@cdktf/provider-aws"
	version   = "21.22.1"
	integrity = "sha512-BuSHeaQFUL9l33pBzIMRT7cTQ69AM2mLtijjteCPhVQRmvuhuj9Lvfymf7knAMhYqAT6+Lrls9jiGVW/Us3zrQ=="
	maxFile   = 16 << 20
)

// resources are directories of the package, one for each supported resource.
var resources = []string{
	"cloudwatch-log-group", "ecr-lifecycle-policy", "ecr-repository", "iam-role", "iam-role-policy-attachment", "instance",
	"s3-bucket", "s3-bucket-lifecycle-configuration", "s3-bucket-ownership-controls", "s3-bucket-policy",
	"s3-bucket-public-access-block", "s3-bucket-server-side-encryption-configuration", "s3-bucket-versioning",
}

func main() {
	tarball := flag.String("tarball", "", "the package as npm pack leaves it")
	out := flag.String("out", "", "file to write the facts to")
	check := flag.String("check", "", "file whose facts must equal the package's")
	pinned := flag.Bool("pinned", false, "print the package and version to fetch")
	flag.Parse()
	if *pinned {
		fmt.Println(pkg + "@" + version)
		return
	}
	if err := run(*tarball, *out, *check); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(tarball, out, check string) error {
	data, err := os.ReadFile(tarball)
	if err != nil {
		return err
	}
	sum := sha512.Sum512(data)
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != integrity {
		return fmt.Errorf("%s has integrity %s, want %s", tarball, got, integrity)
	}
	files, err := unpack(data)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", tarball, err)
	}
	facts, err := extract(files)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(facts, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if out != "" {
		return os.WriteFile(out, text, 0o644)
	}
	committed, err := os.ReadFile(check)
	if err != nil {
		return err
	}
	if !bytes.Equal(committed, text) {
		return fmt.Errorf("%s differs from %s@%s", check, pkg, version)
	}
	return nil
}

// unpack returns the relevant files by their path in lib/.
func unpack(data []byte) (map[string]string, error) {
	wanted := map[string]bool{}
	for _, dir := range append([]string{"provider"}, resources...) {
		wanted["package/lib/"+dir+"/index.js"] = true
		wanted["package/lib/"+dir+"/index.d.ts"] = true
	}
	zipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for in := tar.NewReader(zipped); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if !wanted[h.Name] {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(in, maxFile))
		if err != nil {
			return nil, err
		}
		files[strings.TrimPrefix(h.Name, "package/lib/")] = string(text)
	}
	if len(files) != len(wanted) {
		return nil, fmt.Errorf("found %d of %d files", len(files), len(wanted))
	}
	return files, nil
}

func extract(files map[string]string) (schema.Facts, error) {
	facts := schema.Facts{
		Source:    schema.Source{Package: pkg, Version: version, Integrity: integrity, Provider: "hashicorp/aws"},
		Resources: map[string]schema.Block{},
	}
	provider, err := parse(files["provider/index.js"], files["provider/index.d.ts"], "cdktf.TerraformProvider")
	if err != nil {
		return facts, fmt.Errorf("provider: %w", err)
	}
	delete(provider.block.Attributes, "alias") // belongs to Terraform, not to the provider
	facts.Provider, facts.Source.ProviderVersion = provider.block, provider.version
	for _, dir := range resources {
		got, err := parse(files[dir+"/index.js"], files[dir+"/index.d.ts"], "cdktf.TerraformResource")
		if err != nil {
			return facts, fmt.Errorf("%s: %w", dir, err)
		}
		facts.Resources[got.typ] = got.block
	}
	return facts, nil
}
