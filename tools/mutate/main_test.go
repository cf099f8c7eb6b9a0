package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const sample = `package sample

import "errors"

func May(age int, member bool, name string) bool {
	return age >= 18 && member || name == "root"
}

func Check(n int) error {
	if n < 0 {
		return errors.New("negative")
	}
	total := 0
	for i := 0; i < n; i++ {
		total += i
	}
	switch {
	case total > 10:
		return errors.New("too much")
	}
	return nil
}
`

const tests = `package sample

import "testing"

func TestMay(t *testing.T) {
	for _, c := range []struct {
		age    int
		member bool
		name   string
		want   bool
	}{{18, true, "", true}, {17, true, "", false}, {18, false, "", false}, {0, false, "root", true}} {
		if May(c.age, c.member, c.name) != c.want {
			t.Errorf("%+v", c)
		}
	}
}

func TestCheck(t *testing.T) {
	if Check(-1) == nil || Check(0) != nil {
		t.Error("a negative number passes, or none does")
	}
}
`

func module(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module sample\n\ngo 1.26\n", "sample/sample.go": sample,
		"sample/sample_test.go": tests} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Only the tests that reach a change run under it, and they end it by name.
func TestOutcomeNamesTheTest(t *testing.T) {
	t.Setenv("GOFLAGS", "")
	var out bytes.Buffer
	j := job{root: module(t), pkg: "sample", test: "sample", verbose: true}
	j.match = regexp.MustCompile("negate age|> becomes|leave out") // no endless loop
	r, err := j.try(context.Background(), &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"killed by TestMay: sample/sample.go May: negate age >= 18\n",
		"SURVIVED: sample/sample.go Check: > becomes >=: total > 10\n",
		"REACHED BY NO TEST: sample/sample.go Check: leave out total += i\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not said:\n%s", want, out.String())
		}
	}
	if r.unreached != 1 || r.late != 0 {
		t.Errorf("no test reaches %d, and with %d the tests do not end", r.unreached, r.late)
	}
	j.tests = regexp.MustCompile("^TestCheck$")
	if r, err = j.try(context.Background(), &out); err != nil || r.unreached != 2 {
		t.Errorf("with one test, none reaches %d: %v", r.unreached, err)
	}
	j.tests, j.args = nil, []string{"-test.unknown"}
	if _, err = j.try(context.Background(), &out); err == nil {
		t.Error("changes are tried with tests that fail without any")
	}
}

func TestSlowTestsRunAlone(t *testing.T) {
	var sizes []int
	for _, group := range groups([]test{{took: quick / 4}, {took: quick / 2}, {took: quick}, {took: 2 * quick}}) {
		sizes = append(sizes, len(group))
	}
	if !slices.Equal(sizes, []int{2, 1, 1}) || len(groups([]test{{took: 9 * quick}})) != 1 || groups(nil) != nil {
		t.Errorf("%v", sizes)
	}
}

// A change that the tests of the sample notice is killed. Any other survives, is reported by name, and
// is accepted if a page explains it.
func TestSurvivorsAreThoseThatNoTestNotices(t *testing.T) {
	t.Setenv("GOFLAGS", "")
	root := module(t)
	j := job{root: root, pkg: "sample", test: "sample", budget: 0}
	var out bytes.Buffer
	for _, wrong := range []job{{files: []string{"gone.go"}}, {except: []string{"gone.go"}},
		{except: []string{"sample.go"}}} {
		wrong.root, wrong.pkg, wrong.test = root, "sample", "sample"
		if err := wrong.run(context.Background(), &out); err == nil {
			t.Errorf("%+v is tried", wrong)
		}
	}
	found, err := j.try(context.Background(), &out)
	if err != nil {
		t.Fatal(err)
	}
	if err := found.report(&out, nil); err == nil {
		t.Fatal("survivors without a reason pass")
	}
	said := out.String()
	for _, want := range []string{"sample/sample.go Check: leave out total += i",
		"sample/sample.go Check: > becomes >=: total > 10",
		`sample/sample.go Check: return nil instead of errors.New("too much")`} {
		if !strings.Contains(said, "| `"+want+"` | |") {
			t.Errorf("%q does not survive:\n%s", want, said)
		}
	}
	for _, killed := range []string{"May:", "negate n < 0", `errors.New("negative")`} {
		if strings.Contains(said, killed) {
			t.Errorf("%q survives:\n%s", killed, said)
		}
	}
	page := filepath.Join(root, "MUTATION.md")
	var table strings.Builder
	for _, line := range strings.Split(said, "\n") {
		if strings.HasPrefix(line, "| `") {
			table.WriteString(strings.TrimSuffix(line, "|") + "the sample leaves it open |\n")
		}
	}
	out.Reset()
	one := j
	one.match = regexp.MustCompile("May: negate")
	if err := one.run(context.Background(), &out); err != nil ||
		!strings.HasPrefix(out.String(), "sample: 2 changes tried, 0 survived") {
		t.Errorf("some changes: %v %s", err, out.String())
	}
	j.accepted = page
	for text, good := range map[string]bool{
		table.String(): true,
		"| `sample/sample.go Check: **` | the sample leaves it open |\n":                                     true,
		"| `sample/sample.go Check: **` | open |\n| `sample/sample.go May: **` | all of them are killed |\n": false,
		"| `sample/sample.go Check: leave out **` | the sample leaves it open, and more |\n":                 false,
		table.String() + "| `sample/other.go Gone: **` | the call is not about this file |\n":                true,
		table.String() + "| `sample/sample.go May: negate gone` | it was there |\n":                          false,
		strings.Replace(table.String(), "the sample leaves it open", "", 1):                                  false,
	} {
		if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		rows, err := j.readAccepted()
		if err == nil {
			err = found.report(&bytes.Buffer{}, rows)
		}
		if (err == nil) != good {
			t.Errorf("%v for:\n%s", err, text)
		}
	}
}

// A call that ends early has not shown that the tests notice all changes.
func TestUnfinishedCallFails(t *testing.T) {
	all := []mutant{{file: "a/b.go", where: "f", kind: "negate", text: "x"}}
	for _, tried := range [][]mutant{nil, all} {
		r := results{pkg: "a", all: all, tried: tried}
		if tried == nil {
			r.stopped = context.DeadlineExceeded
		}
		if err := r.report(&bytes.Buffer{}, nil); (err == nil) != (tried != nil) {
			t.Errorf("%d tried: %v", len(tried), err)
		}
	}
}

func TestSpreadTakesFromEverywhere(t *testing.T) {
	var all []mutant
	for id := range 10 {
		all = append(all, mutant{id: id})
	}
	var ids []int
	for _, m := range spread(all, 3) {
		ids = append(ids, m.id)
	}
	if !slices.Equal(ids, []int{0, 3, 6}) || len(spread(all, 0)) != 10 || len(spread(all, 99)) != 10 {
		t.Errorf("%v", ids)
	}
}
