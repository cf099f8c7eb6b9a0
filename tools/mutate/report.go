package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// results is the outcome of one call.
type results struct {
	pkg       string
	all       []mutant // in the files of the call
	tried     []mutant
	survived  []mutant
	unreached int   // of those that survived
	late      int   // killed because the tests did not end
	stopped   error // why some were not tried
}

// row is one line of the page: the survivors that it explains.
type row struct {
	name    string
	pattern *regexp.Regexp
}

// anything in the name of a row matches any text, so that one row can explain the survivors of a
// function or of one kind.
const anything = "**"

func newRow(name string) row {
	parts := strings.Split(name, anything)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return row{name, regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")}
}

func (w row) explains(m mutant) bool { return w.pattern.MatchString(m.String()) }

// report lists the survivors without a row, and the rows without a survivor. It fails for both, and if
// some changes were not tried.
func (r results) report(out io.Writer, rows []row) error {
	_, _ = fmt.Fprintf(out, "%s: %d changes tried, %d survived (no test reaches %d); %d were killed by time\n",
		r.pkg, len(r.tried), len(r.survived), r.unreached, r.late)
	fresh := 0
	for _, m := range r.survived {
		if !explained(rows, m) {
			fresh++
			_, _ = fmt.Fprintf(out, "| `%s` | |\n", m)
		}
	}
	stale := 0
	for _, w := range rows {
		if r.isStale(w) {
			stale++
			_, _ = fmt.Fprintf(out, "accepted, but killed or gone: `%s`\n", w.name)
		}
	}
	var err error
	if fresh+stale > 0 {
		err = fmt.Errorf("%d survivors that no page explains, %d explained ones that are gone", fresh, stale)
	}
	if r.stopped != nil {
		err = errors.Join(err, fmt.Errorf("stopped after %d of %d changes: %w", len(r.tried), len(r.all), r.stopped))
	}
	return err
}

func explained(rows []row, m mutant) bool {
	for _, w := range rows {
		if w.explains(m) {
			return true
		}
	}
	return false
}

// isStale reports whether a row explains nothing: all of its changes died, or no change in the files
// of this call has its name.
func (r results) isStale(w row) bool {
	named, tried := 0, 0
	file := strings.SplitN(w.name, " ", 2)[0]
	ours := false
	for _, m := range r.all {
		ours = ours || m.file == file
		if w.explains(m) {
			named++
		}
	}
	for _, m := range r.tried {
		if w.explains(m) {
			tried++
		}
	}
	for _, m := range r.survived {
		if w.explains(m) {
			return false
		}
	}
	return ours && tried == named
}

// readAccepted reads the first column of the page's tables.
func (j job) readAccepted() ([]row, error) {
	if j.accepted == "" {
		return nil, nil
	}
	data, err := os.ReadFile(j.accepted)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, line := range strings.Split(string(data), "\n") {
		cells := strings.Split(line, "` | ")
		if !strings.HasPrefix(line, "| `") || len(cells) < 2 {
			continue
		}
		if reason := strings.Trim(cells[1], " |"); reason == "" {
			return nil, errors.New("no reason is given for " + cells[0])
		}
		rows = append(rows, newRow(strings.TrimPrefix(cells[0], "| `")))
	}
	return rows, nil
}
