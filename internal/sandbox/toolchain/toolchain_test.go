package toolchain

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// script writes a program that prints the text into a directory of its own.
func script(t *testing.T, name, text string, exit int) string {
	t.Helper()
	dir := t.TempDir()
	body := fmt.Sprintf("#!/bin/sh\ncat <<'END'\n%s\nEND\nexit %d\n", text, exit)
	if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func versionAnswer(text string) string { return `{"terraform_version":"` + text + `"}` }

// release serves a zip that contains the program, and counts the requests.
func release(t *testing.T, program string) (f Finder, requests *int) {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	file, err := w.Create("terraform")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = file.Write([]byte(program))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	requests = new(int)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*requests++
		if r.URL.Path != "/terraform/1.11.4/terraform_1.11.4_"+platform()+".zip" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(buf.Bytes())
	}))
	t.Cleanup(srv.Close)
	sum := sha256.Sum256(buf.Bytes())
	return Finder{
		Path: t.TempDir(), Cache: t.TempDir(), Releases: srv.URL,
		Sums: map[string]string{platform(): hex.EncodeToString(sum[:])},
	}, requests
}

const goodProgram = "#!/bin/sh\necho '{\"terraform_version\":\"1.11.4\"}'\n"

func TestTerraformOnPath(t *testing.T) {
	old := script(t, "terraform", versionAnswer("1.5.7"), 0)
	for name, row := range map[string]struct {
		path []string
		want string // name, version, from
	}{
		"terraform": {[]string{script(t, "terraform", versionAnswer("1.11.4"), 0)},
			"Terraform 1.11.4 PATH"},
		"the oldest that will do": {[]string{script(t, "terraform", versionAnswer("1.10.0"), 0)},
			"Terraform 1.10.0 PATH"},
		"tofu": {[]string{script(t, "tofu", versionAnswer("1.10.5"), 0)}, "OpenTofu 1.10.5 PATH"},
		"old terraform, then tofu": {[]string{old, script(t, "tofu", versionAnswer("1.10.5"), 0)},
			"OpenTofu 1.10.5 PATH"},
		"old terraform": {[]string{old}, "Terraform 1.11.4 download"},
		"version 2": {[]string{script(t, "terraform", versionAnswer("2.0.0"), 0)},
			"Terraform 1.11.4 download"},
		"a wrapper that fails": {[]string{script(t, "terraform", "no version is set", 1)},
			"Terraform 1.11.4 download"},
		"something else":                   {[]string{script(t, "terraform", "hello", 0)}, "Terraform 1.11.4 download"},
		"nothing":                          {nil, "Terraform 1.11.4 download"},
		"a directory that is not absolute": {[]string{"."}, "Terraform 1.11.4 download"},
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := release(t, goodProgram)
			f.Path += string(filepath.ListSeparator) + strings.Join(row.path, string(filepath.ListSeparator))
			tool, err := f.Terraform(t.Context())
			if got := tool.Name + " " + tool.Version + " " + tool.From; err != nil || got != row.want {
				t.Errorf("got %q, %v; want %q", got, err, row.want)
			}
		})
	}
}

func TestSecondStartNeedsNoNetwork(t *testing.T) {
	f, requests := release(t, goodProgram)
	if _, err := f.Terraform(t.Context()); err != nil {
		t.Fatal(err)
	}
	tool, err := f.Terraform(t.Context())
	if err != nil || tool.From != "cache" || *requests != 1 {
		t.Errorf("from %s, %v, %d requests", tool.From, err, *requests)
	}
}

func TestBrokenCacheIsDownloadedAgain(t *testing.T) {
	f, requests := release(t, goodProgram)
	dir := pinnedDir(t, f)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "terraform"), []byte("cut off"), 0o755); err != nil {
		t.Fatal(err)
	}
	if tool, err := f.Terraform(t.Context()); err != nil || tool.From != "download" || *requests != 1 {
		t.Errorf("from %s, %v, %d requests", tool.From, err, *requests)
	}
}

func pinnedDir(t *testing.T, f Finder) string {
	t.Helper()
	dir, err := f.pinnedDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Without a home directory there is no directory that others cannot write to. Nothing is downloaded
// then, and nothing that happens to be in the current directory runs.
func TestNoHomeNoCache(t *testing.T) {
	for _, name := range []string{"HOME", "XDG_CACHE_HOME"} {
		t.Setenv(name, "")
	}
	f, requests := release(t, goodProgram)
	f.Cache = ""
	if _, err := f.Terraform(t.Context()); err == nil || *requests != 0 || !strings.Contains(err.Error(), "by hand") {
		t.Errorf("%v after %d requests", err, *requests)
	}
}

func TestFailedDownloadExplainsTheManualWay(t *testing.T) {
	for name, change := range map[string]func(*Finder){
		"no network":     func(f *Finder) { f.Releases = "http://127.0.0.1:1" },
		"not there":      func(f *Finder) { f.Releases += "/elsewhere" },
		"wrong checksum": func(f *Finder) { f.Sums = map[string]string{platform(): strings.Repeat("0", 64)} },
		"no checksum":    func(f *Finder) { f.Sums = map[string]string{} },
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := release(t, goodProgram)
			change(&f)
			_, err := f.Terraform(t.Context())
			if err == nil || strings.Contains(err.Error(), "\n") ||
				!strings.Contains(err.Error(), "by hand: install Terraform or OpenTofu 1.10.0") {
				t.Fatalf("got %v", err)
			}
			if left, _ := filepath.Glob(filepath.Join(pinnedDir(t, f), "*")); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestPinnedSumsCoverEveryPlatform(t *testing.T) {
	for _, p := range []string{"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64"} {
		if len(pinnedSums[p]) != 64 {
			t.Errorf("%s: %q", p, pinnedSums[p])
		}
	}
}

func TestActAndGit(t *testing.T) {
	for name, row := range map[string]struct {
		program, says, want string
	}{
		"act":     {"act", "act version 0.2.89", ""},
		"old act": {"act", "act version 0.2.20", "want act"},
		"no act":  {"other", "", "install it with `go install github.com/nektos/act@v0.2."},
		"git":     {"git", "git version 2.39.5 (Apple Git-154)", ""},
		"old git": {"git", "git version 2.17.1", "want git"},
		"no git":  {"other2", "", "git is not on PATH"},
	} {
		t.Run(name, func(t *testing.T) {
			f := Finder{Path: script(t, row.program, row.says, 0)}
			find := f.Git
			if strings.Contains(name, "act") {
				find = func(ctx context.Context) (Tool, error) { return f.Act(ctx, "") }
			}
			_, err := find(t.Context())
			if (err == nil) != (row.want == "") || (err != nil && !strings.Contains(err.Error(), row.want)) {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}

// The command in the error message installs the version of act that the source tree uses.
func TestSuggestedActIsThePinnedOne(t *testing.T) {
	root, ok := SourceRoot(".")
	if !ok {
		t.Fatal("the source tree was not found")
	}
	text, err := os.ReadFile(filepath.Join(root, "tools", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "github.com/nektos/act v"+actPinned.String()+" ") {
		t.Errorf("tools/go.mod does not pin act %s", actPinned)
	}
}

func TestActOfTheSourceTree(t *testing.T) {
	root, ok := SourceRoot(".")
	if !ok {
		t.Fatal("the source tree was not found")
	}
	tool, err := Finder{}.Act(t.Context(), root)
	if err != nil || tool.From != "go tool" {
		t.Fatalf("got %+v, %v", tool, err)
	}
	if _, ok := SourceRoot(t.TempDir()); ok {
		t.Error("found a source tree outside one")
	}
}
