package demo

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A run that TfPilot did not start must end at its first guard, before it gets any credential.
func TestStoppedAtGuard(t *testing.T) {
	for _, tt := range []struct {
		name, run, steps string
		ok               bool
	}{
		{"at once", "failure", "Download TfPilot=success|Validate inputs=failure|Assume plan role=skipped|Apply=skipped",
			true},
		{"at the second guard", "failure",
			"Validate inputs=success|Assume plan role=success|Verify grant and claim=failure|Apply=skipped", false},
		{"with a role for the plan", "failure", "Validate inputs=failure|Assume plan role=success|Apply=skipped", false},
		{"with a role it could not take", "failure", "Validate inputs=failure|Assume plan role=failure|Apply=skipped", false},
		{"with a role to apply", "failure", "Validate inputs=failure|Assume apply role=success", false},
		{"before the guard", "failure", "Download TfPilot=failure|Validate inputs=skipped", false},
		{"never", "success", "Validate inputs=success|Apply=success", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var steps []string
			for _, s := range strings.Split(tt.steps, "|") {
				name, conclusion, _ := strings.Cut(s, "=")
				steps = append(steps, `{"name":"`+name+`","conclusion":"`+conclusion+`"}`)
			}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"jobs":[{"steps":[` + strings.Join(steps, ",") + `]}]}`))
			}))
			defer server.Close()
			j := &journey{client: server.Client(), access: access{Env: map[string]string{"GITHUB_API_URL": server.URL + "/"}}}
			j.dana = &person{j: j, name: "dana"}
			if err := j.stoppedAtGuard(t.Context(), "acme/infra-core", run{ID: 1, Conclusion: tt.run}); (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}
