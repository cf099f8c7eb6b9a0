package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// program is a test program that contains every change of a package.
type program struct {
	path, dir string
	args      []string
	tests     []test // the quickest first
}

// test is one test of the program, and what it did without any change.
type test struct {
	name    string
	took    time.Duration
	reaches map[int]bool
}

const (
	// mutantVariable selects the change; 0: none.
	mutantVariable = "TFPILOT_MUTANT"
	// recordVariable names the file that lists the changes that a run reaches; empty: none.
	recordVariable = "TFPILOT_MUTANTS_REACHED"
)

// A change may cause an endless loop. slower and patience bound how much longer than the unchanged
// tests a run may take. On a busy machine a run is slow without being endless.
const (
	slower   = 10
	patience = 10 * time.Second
	longest  = 10 * time.Minute // of one unchanged test
)

// quick is how long the tests that run together for a change take; a slower test runs alone, after
// them.
const quick = time.Second

// The outcomes of a change besides the name of the test that fails.
const (
	unreached = "REACHED BY NO TEST"
	unnoticed = "SURVIVED"
	outOfTime = "killed, the tests do not end"
)

// build compiles the tests with the changed source and runs each once unchanged.
func (j job) build(ctx context.Context, dir string, overlay map[string]string) (*program, error) {
	data, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		return nil, err
	}
	file, binary := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "changed.test")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", file, "-o", binary, "./"+j.test)
	c.Dir = j.root
	if said, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, said)
	}
	p := &program{path: binary, dir: filepath.Join(j.root, j.test),
		args: append([]string{"-test.short", "-test.failfast"}, j.args...)}
	list, err := exec.CommandContext(ctx, binary, "-test.list=^(Test|Fuzz|Example)").Output()
	if err != nil {
		return nil, fmt.Errorf("list the tests: %w", err)
	}
	for _, name := range strings.Fields(string(list)) {
		if j.tests != nil && !j.tests.MatchString(name) {
			continue
		}
		t, err := p.measure(ctx, name, filepath.Join(dir, "reached-"+name))
		if err != nil {
			return nil, err
		}
		p.tests = append(p.tests, t)
	}
	slices.SortStableFunc(p.tests, func(a, b test) int { return int(a.took - b.took) })
	return p, nil
}

// measure runs a test without any change.
func (p *program) measure(ctx context.Context, name, record string) (test, error) {
	t := test{name: name, reaches: map[int]bool{}}
	began := time.Now()
	outcome, said, err := p.run(ctx, longest, []string{name}, recordVariable+"="+record)
	t.took = time.Since(began)
	if err == nil && outcome != unnoticed {
		err = errors.New(outcome)
	}
	if err != nil {
		return t, fmt.Errorf("%s without any change: %w\n%s", name, err, said)
	}
	data, err := os.ReadFile(record)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return t, err
	}
	for _, line := range strings.Fields(string(data)) {
		id, err := strconv.Atoi(line)
		if err != nil {
			return t, err
		}
		t.reaches[id] = true
	}
	return t, nil
}

// try runs the tests that reach a change until one fails, and returns the outcome.
func (p *program) try(ctx context.Context, id int) (string, error) {
	outcome := unreached
	for _, group := range groups(p.reaching(id)) {
		var chosen []string
		limit := patience
		for _, t := range group {
			chosen = append(chosen, t.name)
			limit += slower * t.took
		}
		var err error
		outcome, _, err = p.run(ctx, limit, chosen, mutantVariable+"="+strconv.Itoa(id))
		if err != nil || outcome != unnoticed {
			return outcome, err
		}
	}
	return outcome, nil
}

func (p *program) reaching(id int) []test {
	return slices.DeleteFunc(slices.Clone(p.tests), func(t test) bool { return !t.reaches[id] })
}

// groups splits tests, the quickest first, into those that run together and each slower one.
func groups(sorted []test) [][]test {
	var all [][]test
	total := time.Duration(0)
	for i, t := range sorted {
		total += t.took
		if i == 0 || total > quick {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], t)
	}
	return all
}

var failing = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// run runs tests. A run that fails or does not end has noticed the change.
func (p *program) run(ctx context.Context, limit time.Duration, chosen []string, env ...string) (string, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	args := append(slices.Clone(p.args), "-test.run=^("+strings.Join(chosen, "|")+")$")
	c := exec.CommandContext(ctx, p.path, args...)
	c.Dir, c.WaitDelay = p.dir, time.Second
	c.Env = append(c.Environ(), env...)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	err := c.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return unnoticed, nil, nil
	case ctx.Err() != nil:
		return outOfTime, said.Bytes(), nil
	case errors.As(err, &exit):
		by := "a panic"
		if found := failing.FindSubmatch(said.Bytes()); found != nil {
			by = string(found[1])
		}
		return "killed by " + by, said.Bytes(), nil
	default:
		return "", said.Bytes(), fmt.Errorf("run the tests: %w\n%s", err, said.Bytes())
	}
}
