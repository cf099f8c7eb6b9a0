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
	"slices"
	"time"
)

// program is a test program that contains every change of a package.
type program struct {
	path, dir string
	args      []string
	first     []string      // of a quick run before
	limit     time.Duration // of one run
}

// mutantVariable selects the change; 0: none.
const mutantVariable = "TFPILOT_MUTANT"

// slower is how much longer than the unchanged tests a run may take: a change may cause an endless
// loop.
const slower = 5

// build compiles the tests with the changed source and runs them once unchanged.
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
		args: append([]string{"-test.short", "-test.failfast"}, j.args...), first: j.first, limit: 10 * time.Minute}
	began := time.Now()
	killed, err := p.kills(ctx, 0)
	if err != nil || killed {
		return nil, errors.Join(errors.New("the tests fail without any change"), err)
	}
	p.limit = slower*time.Since(began) + 10*time.Second
	return p, nil
}

// kills runs the tests under one change. A run that fails or does not end has noticed it.
func (p *program) kills(ctx context.Context, id int) (bool, error) {
	if id != 0 && len(p.first) > 0 {
		if killed, err := p.run(ctx, id, append(slices.Clone(p.args), p.first...)); killed || err != nil {
			return killed, err
		}
	}
	return p.run(ctx, id, p.args)
}

func (p *program) run(ctx context.Context, id int, args []string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	c := exec.CommandContext(ctx, p.path, args...)
	c.Dir, c.WaitDelay = p.dir, time.Second
	c.Env = append(c.Environ(), fmt.Sprintf("%s=%d", mutantVariable, id))
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	err := c.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false, nil
	case errors.As(err, &exit) || ctx.Err() != nil:
		return true, nil
	default:
		return false, fmt.Errorf("run the tests: %w\n%s", err, said.Bytes())
	}
}
