package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// workflow is the part of a workflow file that decides what a job may do.
type workflow struct {
	Permissions map[string]string `json:"permissions"`
	Jobs        map[string]struct {
		Environment string            `json:"environment"`
		Permissions map[string]string `json:"permissions"`
		Steps       []struct {
			Uses string `json:"uses"`
			Run  string `json:"run"`
		} `json:"steps"`
	} `json:"jobs"`
}

var (
	pinnedAction = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)
	pinnedImage  = regexp.MustCompile(`^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$`)
)

// A job that may change something runs only actions and what an earlier job built, after a person allowed it.
func TestOnlyTheProtectedJobMayChangeAnything(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	publishing := 0
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var w workflow
		if err := yaml.Unmarshal(data, &w); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), "\npermissions: {}\n") || len(w.Jobs) == 0 {
			t.Errorf("%s: its jobs start with permissions", name)
		}
		for job, j := range w.Jobs {
			writes := len(j.Permissions) != 1 || j.Permissions["contents"] != "read"
			if writes {
				publishing++
			}
			if writes && j.Environment != "release" {
				t.Errorf("%s: the job %s may change something: %v", name, job, j.Permissions)
			}
			for _, s := range j.Steps {
				if s.Uses != "" && !pinnedAction.MatchString(s.Uses) {
					t.Errorf("%s: %s is not pinned by its commit", name, s.Uses)
				}
				if writes && (strings.HasPrefix(s.Uses, "actions/checkout@") || strings.Contains(s.Run, "./")) {
					t.Errorf("%s: the job %s runs code of the repository: %s%s", name, job, s.Uses, s.Run)
				}
			}
		}
	}
	if publishing != 1 {
		t.Errorf("%d jobs publish", publishing)
	}
}

func TestBaseImagesArePinned(t *testing.T) {
	data, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	images := 0
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "FROM" {
			continue
		}
		images++
		image := words[1]
		if strings.HasPrefix(image, "--platform=") {
			image = words[2]
		}
		if !pinnedImage.MatchString(image) {
			t.Errorf("%s is not pinned by its digest", image)
		}
	}
	if images != 2 {
		t.Errorf("%d base images", images)
	}
}
