// Package docs_test keeps the pages true: links, names of tests, generated tables, and
// shell blocks, which are run.
package docs_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMain runs the tests in the root of the repository, from where the pages name files.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := os.Chdir(".."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// page is a Markdown file of the repository.
type page struct {
	path string
	text string
}

// pages are all Markdown files that belong to the repository.
func pages(t *testing.T) []page {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard",
		"*.md").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []page
	for _, path := range strings.Fields(string(out)) {
		if strings.Contains(path, "testdata/") {
			continue
		}
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue // deleted and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page{path, string(text)})
	}
	if len(all) < 10 {
		t.Fatalf("only %d pages", len(all))
	}
	return all
}

// block is a fenced block of a page.
type block struct {
	line int
	info string
	text string
}

var fence = regexp.MustCompile("^( *)```(.*)$")

// blocks cuts the fenced blocks out of a page; rest is the page without them.
func (p page) blocks() (all []block, rest string) {
	var b *block
	var indent string
	var left []string
	for i, line := range strings.Split(p.text, "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case m != nil && b == nil:
			b, indent = &block{line: i + 1, info: strings.TrimSpace(m[2])}, m[1]
		case m != nil:
			all, b = append(all, *b), nil
		case b != nil:
			b.text += strings.TrimPrefix(line, indent) + "\n"
		default:
			left = append(left, line)
			continue
		}
		left = append(left, "")
	}
	return all, strings.Join(left, "\n")
}

var (
	link    = regexp.MustCompile(`!?\[[^\]]*\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	notSlug = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// anchors are what links into a page may name, as GitHub makes them.
func (p page) anchors() map[string]bool {
	_, text := p.blocks()
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		name := link.ReplaceAllString(strings.ReplaceAll(m[1], "`", ""), "$1")
		found[strings.ReplaceAll(strings.ToLower(notSlug.ReplaceAllString(name, "")), " ", "-")] = true
	}
	return found
}

// Every relative link leads to a file of the repository, and every anchor to a
// heading.
func TestLinksResolve(t *testing.T) {
	all := pages(t)
	anchors := map[string]map[string]bool{}
	for _, p := range all {
		anchors[p.path] = p.anchors()
	}
	for _, p := range all {
		_, text := p.blocks()
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			target, anchor, _ := strings.Cut(m[1], "#")
			path := p.path
			if target != "" {
				path = filepath.ToSlash(filepath.Join(filepath.Dir(p.path), target))
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: %s leads nowhere", p.path, m[1])
				continue
			}
			if anchor != "" && strings.HasSuffix(path, ".md") && !anchors[path][anchor] {
				t.Errorf("%s: %s has no heading %q", p.path, path, anchor)
			}
		}
	}
}

// Every page can be found from the index.
func TestIndexNamesEveryPage(t *testing.T) {
	index, err := os.ReadFile("docs/DOCS_INDEX.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages(t) {
		name, ok := strings.CutPrefix(p.path, "docs/")
		if ok && name != "DOCS_INDEX.md" && !strings.Contains(string(index), "]("+name+")") {
			t.Errorf("docs/DOCS_INDEX.md does not name %s", name)
		}
	}
}

var (
	namedTest = regexp.MustCompile("\\[`((?:Test|Fuzz|Benchmark)\\w+)`\\]\\(([^)]+_test\\.go)\\)")
	loose     = regexp.MustCompile("`(?:Test|Fuzz|Benchmark)[A-Z]\\w+`")
)

// A page that names a test names one that exists, in the file that it links to.
func TestNamedTestsExist(t *testing.T) {
	found := 0
	for _, p := range pages(t) {
		for _, m := range namedTest.FindAllStringSubmatch(p.text, -1) {
			found++
			path := filepath.Join(filepath.Dir(p.path), m[2])
			source, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(source), "\nfunc "+m[1]+"(") {
				t.Errorf("%s: %s is not in %s", p.path, m[1], m[2])
			}
		}
		for _, name := range loose.FindAllString(namedTest.ReplaceAllString(p.text, ""), -1) {
			t.Errorf("%s: %s does not say in which file it is", p.path, name)
		}
	}
	if found < 20 {
		t.Errorf("only %d tests are named", found)
	}
}

// Each promise of SECURITY.md names the tests that fail when it is broken.
func TestPromisesNameTheirTests(t *testing.T) {
	text, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## What TfPilot defends")
	table, _, _ = strings.Cut(table, "\n## ")
	promises := 0
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| A person") {
			continue
		}
		promises++
		if !namedTest.MatchString(line) {
			t.Errorf("no test is named for: %s", line)
		}
	}
	if promises < 15 {
		t.Errorf("%d promises were found", promises)
	}
}
