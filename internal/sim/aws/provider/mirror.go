package provider

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tfpilot/tfpilot/internal/sim/aws/provider/schema"
)

// hosts are the registries whose hashicorp/aws this provider replaces: Terraform's and OpenTofu's.
var hosts = []string{"registry.terraform.io", "registry.opentofu.org"}

// Mirror creates a filesystem mirror under dir that contains only hashicorp/aws, with the given
// program. It returns the path of a CLI configuration (TF_CLI_CONFIG_FILE) that makes Terraform use
// the mirror and no registry.
func Mirror(dir, binaryPath string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	facts, err := schema.Load()
	if err != nil {
		return "", err
	}
	version := facts.Source.ProviderVersion
	for _, host := range hosts {
		at := filepath.Join(dir, host, "hashicorp", "aws", version, runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return "", err
		}
		if err := place(binaryPath, filepath.Join(at, BinaryPrefix+"_v"+version)); err != nil {
			return "", fmt.Errorf("place provider for %s: %w", host, err)
		}
	}
	config := filepath.Join(dir, "terraform.rc")
	text := fmt.Sprintf(
		"disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", dir)
	return config, os.WriteFile(config, []byte(text), 0o644)
}

// place links the program, or copies it where links are impossible, and installs it with one rename: a
// Terraform may be running the old one.
func place(from, to string) error {
	from, err := filepath.EvalSymlinks(from)
	if err != nil {
		return err
	}
	tmp := to + ".new"
	_ = os.Remove(tmp)
	if err := os.Link(from, tmp); err != nil {
		if err := copyFile(from, tmp); err != nil {
			return err
		}
	}
	if err := os.Rename(tmp, to); err != nil {
		return err
	}
	return os.RemoveAll(tmp) // renaming one link of a file onto another leaves both
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// Sources returns the addresses of the provider in the mirror, its version, and its hash in a lock
// file.
func Sources(binaryPath string) (sources []string, version, hash string, err error) {
	facts, err := schema.Load()
	if err != nil {
		return nil, "", "", err
	}
	version = facts.Source.ProviderVersion
	binary, err := os.Open(binaryPath)
	if err != nil {
		return nil, "", "", err
	}
	defer func() { _ = binary.Close() }() // only read
	content := sha256.New()
	if _, err := io.Copy(content, binary); err != nil {
		return nil, "", "", err
	}
	// Terraform's h1 is the hash of a list of files. Here it has one file.
	list := sha256.Sum256(fmt.Appendf(nil, "%x  %s\n", content.Sum(nil), BinaryPrefix+"_v"+version))
	for _, host := range hosts {
		sources = append(sources, host+"/hashicorp/aws")
	}
	return sources, version, "h1:" + base64.StdEncoding.EncodeToString(list[:]), nil
}
