package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/testing/golden"
)

const manifests = "../../manifests/iam"

// The manifests are rendered from Policies, one pair for each project. The names in
// them are placeholders that the operator replaces.
func TestManifests(t *testing.T) {
	for _, p := range Policies("PROJECT") {
		got, err := RenderIAM(p, Resources{RequestsBucket: "REQUESTS_BUCKET", StateBucket: "STATE_BUCKET",
			Account: "ACCOUNT_ID", LockTable: "LOCK_TABLE"})
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(manifests, p.Role+".json")
		golden.Check(t, name, got)
	}
}

// A state may be locked in a table: planning reads its checksum there, applying takes the
// lock and keeps the checksum. The app has no business with it.
func TestTableRights(t *testing.T) {
	got := map[string][]string{}
	for _, p := range Policies(testProject) {
		for _, r := range p.Table {
			got[p.Role] = append(got[p.Role], r.Actions...)
		}
	}
	want := map[string][]string{"run-plan": {"dynamodb:GetItem"}, "run-apply": {"dynamodb:GetItem", "dynamodb:PutItem",
		"dynamodb:DeleteItem"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rights on the table (-want +got):\n%s", diff)
	}
}

// What each principal must not be able to do, by the store's own calls.
func TestLeastRights(t *testing.T) {
	srv := newBucket(t)
	app := openAs(t, srv, "app")
	doc := mustCreate(t, app, testID)
	planCID := strings.Replace(testCID, "apply-", "plan-", 1)
	for _, project := range []string{testProject, "other"} { // S3 denies a missing key to a role that may not list
		if err := app.PutGrant(t.Context(), project, testCID, lifecycle.Grant{RequestID: testID}); err != nil {
			t.Fatal(err)
		}
	}
	for role, cid := range map[string]string{"run-plan-other": planCID, "run-apply-other": testCID} {
		if err := openAs(t, srv, role).PutResult(t.Context(), "other", cid,
			lifecycle.Result{Conclusion: "success"}); err != nil {
			t.Fatalf("%s cannot report: %v", role, err)
		}
	}
	plain := func(s *Store, key string) error {
		_, err := s.create(t.Context(), key, []byte("x"))
		return err
	}
	claim, err := openAs(t, srv, "run-plan-core").create(t.Context(), "claims/core/"+testCID+".json", []byte("x"))
	if err != nil {
		t.Fatalf("run-plan-core cannot claim: %v", err)
	}
	for _, name := range []string{"run-plan-core", "run-apply-core"} {
		run := openAs(t, srv, name)
		other := strings.Replace(testCID, "0a", "0b", 1)
		denied := map[string]error{
			"read a document":       onlyErr(run.read(t.Context(), "requests/"+testID+".json", testID)),
			"change a document":     onlyErr(run.Patch(t.Context(), doc, worker, message("1.1"))),
			"make a grant":          run.PutGrant(t.Context(), testProject, other, lifecycle.Grant{}),
			"revoke a grant":        run.DeleteGrant(t.Context(), testProject, testCID),
			"read a missing one":    onlyErr(run.Grant(t.Context(), testProject, other)),
			"read another's":        onlyErr(run.Grant(t.Context(), "other", testCID)),
			"read another's plan":   onlyErr(run.Result(t.Context(), "other", planCID)),
			"read another's apply":  onlyErr(run.Result(t.Context(), "other", testCID)),
			"link an identity":      run.PutIdentity(t.Context(), lifecycle.Identity{SlackTeam: "T1", SlackUser: "U1"}),
			"write the log":         run.AppendLog(t.Context(), testID, []lifecycle.Event{{Seq: 1, At: testTime}}),
			"replace a claim":       onlyErr(run.replace(t.Context(), "claims/core/"+testCID+".json", claim, []byte("y"))),
			"delete a claim":        run.remove(t.Context(), "claims/core/"+testCID+".json", ""),
			"claim for another":     plain(run, "claims/other/"+testCID+".json"),
			"claim without project": plain(run, "claims/"+testCID+".json"),
			"write elsewhere":       plain(run, "elsewhere/x"),
		}
		for what, err := range denied {
			if !errors.Is(err, ErrDenied) {
				t.Errorf("%s may %s: %v", name, what, err)
			}
		}
		if _, err := run.Grant(t.Context(), testProject, testCID); err != nil {
			t.Errorf("%s cannot read its grant: %v", name, err)
		}
	}
	for what, key := range map[string]string{"a claim": "claims/core/" + testCID + ".json", "a result": "results/core/" +
		testCID + "/result.json"} {
		if err := plain(app, key); !errors.Is(err, ErrDenied) {
			t.Errorf("app may write %s: %v", what, err)
		}
	}
}

func onlyErr[T any](_ T, err error) error { return err }

// What runs in a plan cannot report an apply: a result is made only by the role that does
// that kind of run, and only in its own project.
func TestResultsAreOfTheirRole(t *testing.T) {
	srv := newBucket(t)
	kinds := map[lifecycle.Kind]string{
		lifecycle.KindPlan: "run-plan", lifecycle.KindDriftPlan: "run-plan", lifecycle.KindCleanup: "run-plan",
		lifecycle.KindApply: "run-apply", lifecycle.KindDestroy: "run-apply",
	}
	for i, name := range []string{"run-plan-core", "run-apply-core", "run-plan-other", "run-apply-other", "app"} {
		for kind, role := range kinds {
			cid := fmt.Sprintf("%s-%032d", kind, i)
			err := openAs(t, srv, name).PutResult(t.Context(), testProject, cid, lifecycle.Result{Conclusion: "success"})
			if may := name == role+"-core"; may != (err == nil) || err != nil && !errors.Is(err, ErrDenied) {
				t.Errorf("%s reports %s in core: %v", name, kind, err)
			}
		}
	}
}
