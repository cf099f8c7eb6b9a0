package page

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sandbox"
	"github.com/tfpilot/tfpilot/internal/sim/aws"
	"github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
)

// Limits of one answer. It leaves out older items and returns their number.
const (
	maxRows       = 500
	maxPulls      = 200
	maxRuns       = 200
	maxDeliveries = 200
	maxLog        = 256 << 10
	maxText       = 512 << 10
)

// viewer reads the simulators for the page.
type viewer struct {
	box            *sandbox.Sandbox
	requestsBucket string
	stateBucket    string

	mu   sync.Mutex
	docs map[string]cachedDocument // by key, with the ETag
}

type cachedDocument struct {
	tag     string
	request lifecycle.Request
}

func newViewer(box *sandbox.Sandbox) *viewer {
	v := &viewer{box: box, requestsBucket: box.Access.Env["TFPILOT_REQUESTS_BUCKET"], docs: map[string]cachedDocument{}}
	for _, name := range box.S3.Buckets() {
		if name != v.requestsBucket {
			v.stateBucket = name
		}
	}
	return v
}

// Person is an employee with their role in the product.
type Person struct {
	Login     string `json:"login"`
	Name      string `json:"name"`
	SlackUser string `json:"slackUser"`
	Role      string `json:"role"`
}

// sandboxInfo returns people and addresses, but no secret.
func (v *viewer) sandboxInfo(w http.ResponseWriter, _ *http.Request) {
	a := v.box.Access
	var people []Person
	for _, p := range sandbox.People {
		people = append(people, Person{p.Login, p.Name, p.SlackUser, role(a.Env, p.Login)})
	}
	answer(w, http.StatusOK, map[string]any{
		"people": people, "clone": a.Clone, "data": a.Data, "requestsBucket": v.requestsBucket, "stateBucket": v.stateBucket,
		"addresses": map[string]string{"GitHub": a.GitHub, "Slack": a.Slack, "S3": a.S3, "Cloud": a.Cloud, "Model": a.Model,
			"TfPilot": a.App},
	})
}

// role returns the first role whose list contains the login, as the product decides it.
func role(env map[string]string, login string) string {
	for _, r := range []struct{ list, role string }{
		{"TFPILOT_ADMINS", "admin"}, {"TFPILOT_APPROVERS", "approver"}, {"TFPILOT_VIEWERS", "viewer"},
	} {
		if slices.Contains(strings.Split(env[r.list], ","), login) {
			return r.role
		}
	}
	return "developer"
}

// documents lists the prefixes of active and archived requests.
var documents = []struct {
	prefix   string
	archived bool
}{{"requests/", false}, {"history/", true}}

func (v *viewer) requests(w http.ResponseWriter, _ *http.Request) {
	rows := v.allRows()
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID)) })
	answer(w, http.StatusOK, map[string]any{"requests": rows[:min(len(rows), maxRows)], "all": len(rows)})
}

func (v *viewer) allRows() []Row {
	v.mu.Lock()
	defer v.mu.Unlock()
	rows, kept, now := []Row{}, map[string]cachedDocument{}, time.Now()
	seen := map[string]bool{}
	for _, place := range slices.Backward(documents) { // the archive wins while both exist
		for _, o := range v.box.S3.Keys(v.requestsBucket, place.prefix) {
			c, ok := v.docs[o.Key]
			if !ok || c.tag != o.ETag {
				raw, _ := v.box.S3.Read(v.requestsBucket, o.Key)
				r, err := readRequest(raw, place.archived)
				if err != nil {
					continue // the request view shows the raw document
				}
				c = cachedDocument{o.ETag, r}
			}
			kept[o.Key] = c
			if !seen[c.request.ID] {
				seen[c.request.ID] = true
				rows = append(rows, rowOf(c.request, v.environment(c.request), now))
			}
		}
	}
	v.docs = kept
	return rows
}

// environment returns the state of a request's environment if a request waits there, or else the zero
// value.
func (v *viewer) environment(r lifecycle.Request) (env lifecycle.EnvironmentState) {
	if len(r.Wanted) == 0 {
		return env
	}
	raw, ok := v.box.S3.Read(v.requestsBucket, "environments/"+r.Project+"/"+r.Environment.String()+".json")
	if !ok || lifecycle.Decode(raw, &env) != nil {
		return lifecycle.EnvironmentState{} // then no queue position is shown
	}
	return env
}

// stored is one object as text.
type stored struct {
	Key   string `json:"key"`
	Text  string `json:"text"`
	Cut   bool   `json:"cut,omitempty"`
	Bytes int    `json:"bytes"`
}

func (v *viewer) object(bucket string, o s3.Object) stored {
	raw, _ := v.box.S3.Read(bucket, o.Key)
	text, cut := shorten(raw, maxText)
	return stored{o.Key, text, cut, o.Size}
}

// shorten cuts a text at the limit.
func shorten(raw []byte, limit int) (string, bool) {
	if len(raw) <= limit {
		return strings.ToValidUTF8(string(raw), "\uFFFD"), false
	}
	return strings.ToValidUTF8(string(raw[:limit]), "\uFFFD"), true
}

// request returns a document and the objects that its runs wrote.
func (v *viewer) request(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	if strings.ContainsAny(id, "/.") {
		problem(w, http.StatusBadRequest, "bad_id", "this is not a request id")
		return
	}
	for _, place := range slices.Backward(documents) {
		key := place.prefix + id + ".json"
		raw, ok := v.box.S3.Read(v.requestsBucket, key)
		if !ok {
			continue
		}
		doc, err := readRequest(raw, place.archived)
		if err != nil {
			problem(w, http.StatusUnprocessableEntity, "unreadable", err.Error())
			return
		}
		text, cut := shorten(raw, maxText)
		answer(w, http.StatusOK, map[string]any{
			"row": rowOf(doc, v.environment(doc), time.Now()), "document": stored{key, text, cut, len(raw)},
			"objects": v.around(doc),
		})
		return
	}
	problem(w, http.StatusNotFound, "unknown_request", "request not found: "+id)
}

const maxAround = 60

// around returns the objects that belong to a request: its log, and the results, claims and grants of
// its runs.
func (v *viewer) around(r lifecycle.Request) []stored {
	found := []stored{}
	take := func(prefix string) {
		for _, o := range v.box.S3.Keys(v.requestsBucket, prefix) {
			if len(found) < maxAround {
				found = append(found, v.object(v.requestsBucket, o))
			}
		}
	}
	for _, id := range r.CorrelationIDs() {
		if strings.ContainsAny(id, "/.") {
			continue
		}
		take("results/" + r.Project + "/" + id + "/")
		take("claims/" + r.Project + "/" + id + ".json")
		take("grants/" + r.Project + "/" + id + ".json")
	}
	take("logs/" + r.ID + "/")
	return found
}

func (v *viewer) pulls(w http.ResponseWriter, _ *http.Request) {
	pulls := []github.PullView{}
	for _, repo := range v.box.GitHub.Repos() {
		pulls = append(pulls, v.box.GitHub.Pulls(repo)...)
	}
	slices.SortStableFunc(pulls, func(a, b github.PullView) int { return b.CreatedAt.Compare(a.CreatedAt) })
	answer(w, http.StatusOK, map[string]any{"pulls": pulls[:min(len(pulls), maxPulls)], "all": len(pulls)})
}

func (v *viewer) pull(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("number")) // no pull request has number 0
	p, ok := v.box.GitHub.Pull(r.URL.Query().Get("repo"), n)
	if !ok {
		problem(w, http.StatusNotFound, "unknown_pull", "pull request not found")
		return
	}
	for i, f := range p.Files {
		p.Files[i].Patch, _ = shorten([]byte(f.Patch), maxText)
	}
	answer(w, http.StatusOK, p)
}

func (v *viewer) runs(w http.ResponseWriter, _ *http.Request) {
	runs := []github.RunView{}
	for _, repo := range v.box.GitHub.Repos() {
		runs = append(runs, v.box.GitHub.Runs(repo)...)
	}
	slices.SortStableFunc(runs, func(a, b github.RunView) int { return b.CreatedAt.Compare(a.CreatedAt) })
	answer(w, http.StatusOK, map[string]any{"runs": runs[:min(len(runs), maxRuns)], "all": len(runs)})
}

// run returns a run and the end of its log.
func (v *viewer) run(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	id, _ := strconv.ParseInt(q.Get("id"), 10, 64) // no run has number 0
	n, _ := strconv.Atoi(q.Get("attempt"))         // 0 is the last
	run, ok := v.box.GitHub.Run(q.Get("repo"), id, max(n, 0))
	if !ok {
		problem(w, http.StatusNotFound, "unknown_run", "run not found")
		return
	}
	cut := len(run.Log) > maxLog
	if cut {
		_, run.Log, _ = strings.Cut(run.Log[len(run.Log)-maxLog:], "\n")
	}
	run.Log = strings.ToValidUTF8(run.Log, "\uFFFD")
	answer(w, http.StatusOK, map[string]any{"run": run, "cut": cut})
}

func (v *viewer) cloud(w http.ResponseWriter, _ *http.Request) {
	objects, faults := v.box.Cloud.Objects(""), v.box.Cloud.Faults()
	if faults == nil {
		faults = []aws.Fault{}
	}
	answer(w, http.StatusOK, map[string]any{"objects": objects, "faults": faults})
}

func (v *viewer) deliveries(w http.ResponseWriter, _ *http.Request) {
	all := v.box.GitHub.Deliveries()
	answer(w, http.StatusOK, map[string]any{"deliveries": all[:min(len(all), maxDeliveries)], "all": len(all)})
}
