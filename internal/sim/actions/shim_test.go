package actions

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// On a machine without curl the workflows' download still works, and a missing asset is still a
// failure.
func TestCurlShim(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/asset" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("content\x00\xff"))
	}))
	defer server.Close()
	dir := t.TempDir()
	if err := shims(dir, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	fetch := func(path string) error {
		return exec.Command(filepath.Join(dir, "curl"), "--fail", "--silent", "--show-error", "--location", "--retry", "3",
			"--max-time", "300", "--output", filepath.Join(dir, "asset"), server.URL+path).Run()
	}
	if err := fetch("/v1/asset"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "asset")); err != nil || string(got) != "content\x00\xff" {
		t.Errorf("%q %v", got, err)
	}
	if fetch("/v1/none") == nil {
		t.Error("a missing asset did not fail")
	}
}

func TestNoShimIfCurlExists(t *testing.T) {
	dir, path := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "curl"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := shims(dir, path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "curl")); err == nil {
		t.Error("curl was replaced")
	}
}
