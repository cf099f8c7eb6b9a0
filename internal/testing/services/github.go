package services

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/config"
	codehost "github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/actions"
	"github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
)

// ServeGitHub starts GitHub with the infra repository as bootstrap writes it, unless edits make it
// another one.
func (w *Services) ServeGitHub(edits ...func(*github.Config)) {
	w.T.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		w.T.Fatal(err)
	}
	s, _ := config.Parse([]byte(YAML), "f", config.Defaults{Region: "eu-central-1"})
	release := bootstrap.Release{Version: "0.1.0", Checksums: map[string]string{"tfpilot-ci_0.1.0_Linux_X64": strings.Repeat("ab", 32)}}
	files, err := bootstrap.Repository(s.Projects[0], config.Store{Bucket: bucket.Requests, Region: "eu-central-1"}, release, Runs)
	if err != nil {
		w.T.Fatal(err)
	}
	bootstrap.AddLock(files, bootstrap.RenderLock(nil))
	w.Files = files
	var handler http.Handler
	address := w.Serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	cfg := github.Config{
		BaseURL: address, Users: []github.User{{Login: "dana", ID: 1001, Token: "ghp_dana"}},
		App:   github.App{ID: 77, Slug: "tfpilot", BotID: 9001, InstallationID: 2, Owner: "acme", PublicKey: &key.PublicKey},
		Repos: []github.Repo{{Owner: "acme", Name: "infra-core", Files: files}}, Runner: atWork{},
	}
	for _, edit := range edits {
		edit(&cfg)
	}
	server, err := github.New(cfg)
	if err != nil {
		w.T.Fatal(err)
	}
	handler, w.GitHub = server.Handler(), server
	w.T.Cleanup(func() { _ = server.Close(context.Background()) })
	w.Set(map[string]string{
		"GITHUB_API_URL":         address + "/api/v3/",
		"GITHUB_APP_PRIVATE_KEY": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	})
}

// atWork is a runner whose jobs end only with the test.
type atWork struct{}

func (atWork) Run(ctx context.Context, _ actions.Job) actions.Result {
	<-ctx.Done()
	return actions.Result{Conclusion: string(lifecycle.ConclusionCancelled)}
}

// StartRun dispatches a workflow as the App and waits until a runner works on it.
func (w *Services) StartRun(workflow, requestID string) {
	w.T.Helper()
	app, _ := strconv.ParseInt(os.Getenv("GITHUB_APP_ID"), 10, 64)
	client, err := codehost.New(codehost.Config{
		AppID: app, InstallationID: 2, PrivateKey: []byte(os.Getenv("GITHUB_APP_PRIVATE_KEY")), APIURL: os.Getenv("GITHUB_API_URL"),
	})
	if err != nil {
		w.T.Fatal(err)
	}
	inputs := map[string]string{}
	head, _, _ := strings.Cut(string(w.Files[".github/workflows/"+workflow]), "\njobs:")
	head, _, _ = strings.Cut(head, "\ndefaults:")
	for _, m := range regexp.MustCompile(`(?m)^      ([a-z_]+):$`).FindAllStringSubmatch(head, -1) {
		inputs[m[1]] = "x"
	}
	inputs["request_id"], inputs["correlation_id"] = requestID, "apply-"+strings.Repeat("a", 32)
	repo := codehost.Repo{Owner: "acme", Name: "infra-core"}
	if _, err := client.Dispatch(w.T.Context(), codehost.DispatchInput{Repo: repo, Workflow: workflow, Ref: "main", Inputs: inputs}); err != nil {
		w.T.Fatal(err)
	}
	for w.T.Context().Err() == nil {
		runs, err := client.RunsAtWork(w.T.Context(), repo, workflow)
		if err != nil {
			w.T.Fatal(err)
		}
		if len(runs) > 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
