package store

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

var update = flag.Bool("update", false, "write the golden files")

const manifests = "../../manifests/iam"

// The manifests are rendered from Policies. Bucket names in them are placeholders
// that the operator replaces.
func TestManifests(t *testing.T) {
	for _, p := range Policies {
		got, err := RenderIAM(p, Resources{RequestsBucket: "REQUESTS_BUCKET", StateBucket: "STATE_BUCKET", Account: "ACCOUNT_ID", LockTable: "LOCK_TABLE"})
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(manifests, p.Name+".json")
		if *update {
			if err := errors.Join(os.MkdirAll(manifests, 0o755), os.WriteFile(name, got, 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the code says (%v); run the test with -update\n%s", name, err, got)
		}
	}
}

// A state may be locked in a table: planning reads its checksum there, applying takes the
// lock and keeps the checksum. The app has no business with it.
func TestTableRights(t *testing.T) {
	got := map[string][]string{}
	for _, p := range Policies {
		for _, r := range p.Table {
			got[p.Name] = append(got[p.Name], r.Actions...)
		}
	}
	want := map[string][]string{"run-plan": {"dynamodb:GetItem"}, "run-apply": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rights on the table (-want +got):\n%s", diff)
	}
}

// What each principal must not be able to do, by the store's own calls.
func TestLeastRights(t *testing.T) {
	srv := newBucket(t)
	app := openAs(t, srv, "app")
	doc := mustCreate(t, app, testID)
	if err := app.PutGrant(t.Context(), testCID, lifecycle.Grant{RequestID: testID}); err != nil {
		t.Fatal(err)
	}
	plain := func(s *Store, key string) error {
		_, err := s.create(t.Context(), key, []byte("x"))
		return err
	}
	for _, name := range []string{"run-plan", "run-apply"} {
		run := openAs(t, srv, name)
		other := strings.Replace(testCID, "0a", "0b", 1)
		claim := "claims/" + strings.Replace(testCID, "apply", map[string]string{"run-plan": "plan", "run-apply": "destroy"}[name], 1) + ".json"
		etag, err := run.create(t.Context(), claim, []byte("x"))
		if err != nil {
			t.Errorf("%s cannot claim: %v", name, err)
		}
		denied := map[string]error{
			"read a document":    second(run.read(t.Context(), "requests/"+testID+".json", testID)),
			"change a document":  second(run.Patch(t.Context(), doc, worker, message("1.1"))),
			"make a grant":       run.PutGrant(t.Context(), other, lifecycle.Grant{}),
			"take back a grant":  run.DeleteGrant(t.Context(), testCID),
			"read a missing one": second(run.Grant(t.Context(), other)),
			"link an identity":   run.PutIdentity(t.Context(), lifecycle.Identity{SlackTeam: "T1", SlackUser: "U1"}),
			"write the log":      run.AppendLog(t.Context(), testID, []lifecycle.Event{{Seq: 1, At: at}}),
			"replace a claim":    second(run.replace(t.Context(), claim, etag, []byte("y"))),
			"delete a claim":     run.remove(t.Context(), "claims/"+testCID+".json", ""),
			"write elsewhere":    plain(run, "elsewhere/x"),
		}
		for what, err := range denied {
			if !errors.Is(err, ErrDenied) {
				t.Errorf("%s may %s: %v", name, what, err)
			}
		}
		if _, err := run.Grant(t.Context(), testCID); err != nil {
			t.Errorf("%s cannot read its grant: %v", name, err)
		}
	}
	for what, key := range map[string]string{"a claim": "claims/" + testCID + ".json", "a result": "results/" + testCID + "/result.json"} {
		if err := plain(app, key); !errors.Is(err, ErrDenied) {
			t.Errorf("app may write %s: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
