// Command mutate breaks a package in many small ways, one at a time, and reports which changes no test
// of that package notices. It owns the changes, the run of the tests under each, and the comparison
// with the survivors that a page accepts. It changes no file of the tree: the changed source is a
// build overlay.
//
// All changes are compiled into one test program, each behind a number, so a package is built once. Each
// test runs once unchanged, which shows what it reaches and how long it takes. Then, for each change, the
// tests that reach it run, the quick ones first, until one fails:
//
//	scripts/mutate.sh rbac
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// job is one call of the command.
type job struct {
	root     string         // of the repository
	pkg      string         // with the source to change, relative to root
	files    []string       // to change; empty: all except the ones in except
	except   []string       // files that are not changed
	test     string         // the package whose tests run
	tests    *regexp.Regexp // of that package; nil: all
	args     []string       // of the test program
	accepted string         // page that lists the known survivors
	limit    int            // mutants, spread over the package; 0: all
	match    *regexp.Regexp // only changes with such a name; nil: all
	budget   time.Duration  // of the whole call
	verbose  bool
}

func main() {
	var j job
	var files, except, args string
	flag.StringVar(&j.root, "root", ".", "directory of the repository")
	flag.StringVar(&files, "files", "", "names of the files to change, comma-separated; default all of the package")
	flag.StringVar(&except, "except", "", "names of files not to change, comma-separated")
	flag.StringVar(&j.test, "test", "", "package whose tests run; default the changed one")
	flag.Func("run", "run only the tests whose name matches", func(s string) (err error) {
		j.tests, err = regexp.Compile(s)
		return err
	})
	flag.StringVar(&args, "args", "", "more arguments of the test program")
	flag.StringVar(&j.accepted, "accepted", "", "page with a table of survivors that are known")
	flag.IntVar(&j.limit, "limit", 0, "try at most this many changes, spread over the package; 0 is all")
	flag.Func("match", "try only the changes whose name matches, such as one survivor", func(s string) (err error) {
		j.match, err = regexp.Compile(s)
		return err
	})
	flag.DurationVar(&j.budget, "budget", time.Hour, "stop after this time")
	flag.BoolVar(&j.verbose, "v", false, "name each change as it is tried")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: mutate [flags] PACKAGE")
		os.Exit(2)
	}
	j.pkg, j.args = filepath.Clean(flag.Arg(0)), strings.Fields(args)
	j.files, j.except = names(files), names(except)
	if j.test == "" {
		j.test = j.pkg
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, j.budget)
	defer cancel()
	if err := j.run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// names splits a list at its commas.
func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

// run tries the changes and reports the survivors.
func (j job) run(ctx context.Context, out io.Writer) error {
	rows, err := j.readAccepted()
	if err != nil {
		return err
	}
	r, err := j.try(ctx, out)
	if err != nil {
		return err
	}
	return r.report(out, rows)
}

// try runs the tests under one change after the other.
func (j job) try(ctx context.Context, out io.Writer) (results, error) {
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return results{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	all, overlay, err := instrument(filepath.Join(j.root, j.pkg), j.files, j.except, dir)
	if err != nil {
		return results{}, err
	}
	p, err := j.build(ctx, dir, overlay)
	if err != nil {
		return results{}, err
	}
	r := results{pkg: j.pkg, all: all}
	for _, m := range spread(j.matching(all), j.limit) {
		outcome, err := p.try(ctx, m.id)
		if ctx.Err() != nil {
			r.stopped = context.Cause(ctx)
			break
		}
		if err != nil {
			return results{}, err
		}
		if j.verbose {
			_, _ = fmt.Fprintf(out, "%s: %s\n", outcome, m)
		}
		r.tried = append(r.tried, m)
		switch outcome {
		case unreached:
			r.unreached++
			r.survived = append(r.survived, m)
		case unnoticed:
			r.survived = append(r.survived, m)
		case outOfTime:
			r.late++
		}
	}
	return r, nil
}

// matching selects the changes of this call.
func (j job) matching(all []mutant) []mutant {
	if j.match == nil {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(m mutant) bool { return !j.match.MatchString(m.String()) })
}

// spread selects n mutants evenly.
func spread(all []mutant, n int) []mutant {
	if n <= 0 || n >= len(all) {
		return all
	}
	picked := make([]mutant, 0, n)
	for i := range n {
		picked = append(picked, all[i*len(all)/n])
	}
	return picked
}
