package github

import (
	"os"
	"strings"
	"testing"
)

// Every route must be compared with GitHub's description. This one replaces several described ones.
var joined = map[string]bool{
	"GET /repos/{owner}/{repo}/issues/{number}/{part}": true,
}

func TestEveryRouteIsInTheExtract(t *testing.T) {
	data, err := os.ReadFile("testdata/routes.txt")
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		described[strings.TrimSpace(line)] = true
	}
	for _, group := range [][]route{appRoutes, repoRoutes, gitRoutes, pullRoutes, reviewRoutes, actionsRoutes,
		variableRoutes, runRoutes} {
		for _, rt := range group {
			if name := strings.ReplaceAll(rt.pattern, "...", ""); !described[name] && !joined[name] {
				t.Errorf("%s is not in testdata/routes.txt", name)
			}
		}
	}
}
