package tfpilot_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/goccy/go-yaml"
)

// defaultSession is how long the action takes a role for when nothing is said, and how long
// AWS lets a role be taken for.
const defaultSession = 3600

// workflow is what these tests read of a workflow file.
type workflow struct {
	name, text string
	Jobs       map[string]struct {
		Minutes int `yaml:"timeout-minutes"`
		Steps   []struct {
			With map[string]any `yaml:"with"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

func workflows(t *testing.T) (all []workflow) {
	t.Helper()
	files, err := filepath.Glob("templates/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("workflows: %q %v", files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		w := workflow{name: filepath.Base(name), text: string(text)}
		if err := yaml.Unmarshal(text, &w); err != nil {
			t.Fatal(name, err)
		}
		all = append(all, w)
	}
	return all
}

// A session that ends before the job does would lose the state of what was applied; AWS gives
// none that is longer than the role allows.
func TestSessionOutlastsTheJob(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]int{}
	for _, m := range regexp.MustCompile(`create-role --role-name tfpilot-(\w+) .*--max-session-duration (\d+)`).FindAllStringSubmatch(string(readme), -1) {
		allowed["${{ vars.TFPILOT_"+map[string]string{"plan": "PLAN", "apply": "APPLY"}[m[1]]+"_ROLE }}"], _ = strconv.Atoi(m[2])
	}
	for _, w := range workflows(t) {
		for id, job := range w.Jobs {
			role, session := "", defaultSession
			for _, step := range job.Steps { // the last role that is taken counts: it is the one that writes
				if took, ok := step.With["role-to-assume"].(string); ok {
					role, session = took, seconds(step.With["role-duration-seconds"])
				}
			}
			if session < job.Minutes*60 {
				t.Errorf("%s: %s may take %d minutes, and its session ends after %d seconds", w.name, id, job.Minutes, session)
			}
			if most := max(allowed[role], defaultSession); session > most {
				t.Errorf("%s: the README lets %s be taken for %d seconds, and the workflow asks for %d", w.name, role, most, session)
			}
		}
	}
}

func seconds(given any) int {
	if n, ok := given.(uint64); ok {
		return int(n)
	}
	return defaultSession
}
