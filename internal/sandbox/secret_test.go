package sandbox

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/tfpilot/tfpilot/internal/sim/s3"
)

// Secrets are generated once. A start adds those that an earlier version did not have, and none is
// ever empty.
func TestSecretsStayAndAreCompleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "secrets.json")
	old := []s3.Principal{{Name: "app"}}
	first, err := loadSecrets(path, old)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := loadSecrets(path, old); err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("generated again: %v", err)
	}
	more, err := loadSecrets(path, append(old, s3.Principal{Name: "human"}))
	if err != nil || more.Principals["app"] != first.Principals["app"] || more.Principals["human"].Secret == "" {
		t.Errorf("%+v %v", more.Principals, err)
	}
	if again, err := loadSecrets(path, append(old, s3.Principal{Name: "human"})); err != nil ||
		!reflect.DeepEqual(more, again) {
		t.Errorf("the addition was not kept: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if _, err := more.key(); err != nil {
		t.Error(err)
	}
	if more.complete(nil) {
		t.Error("something is empty")
	}
}

// A page of another site in the browser reaches nothing, under any host name.
func TestOwnHost(t *testing.T) {
	h := ownHost("127.0.0.1:7390", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
	}))
	for _, c := range []struct {
		host, origin, path string
		want               int
	}{
		{"127.0.0.1:7390", "", "/", http.StatusOK},
		{"localhost:7390", "http://localhost:7390", "/", http.StatusOK},
		{"127.0.0.1:7390", "http://127.0.0.1:7391", "/", http.StatusForbidden},
		{"127.0.0.1:7390", "https://evil.example", "/", http.StatusForbidden},
		{"127.0.0.1:7390", "null", "/", http.StatusForbidden},
		{"127.0.0.1:7390", "https://api.slack.com", "/", http.StatusForbidden},
		{"127.0.0.1:7390", "https://api.slack.com", "/socket", http.StatusOK},
		{"evil.example:7390", "", "/", http.StatusMisdirectedRequest},
		{"127.0.0.1", "", "/", http.StatusMisdirectedRequest},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		r.Host = c.host
		r.Header.Set("Origin", c.origin)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != c.want {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}

// No other user of the machine can read the data of the simulators, not even in an existing data
// directory.
func TestDirectoriesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "github")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := private(dir, filepath.Join(dir, "deep")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}
