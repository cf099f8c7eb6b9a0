package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/github/gitrepo"
	"github.com/tfpilot/tfpilot/internal/sim/github/workflow"
)

var actionsRoutes = []route{
	{pattern: "POST /repos/{owner}/{repo}/actions/workflows/{workflow}/dispatches", scope: "actions",
		handle: (*Server).dispatch},
	{pattern: "GET /repos/{owner}/{repo}/actions/workflows/{workflow}/runs", scope: "actions", handle: (*Server).listRuns},
}

// workflows lists the workflow files of the default branch. A file keeps its number for the life of
// the repository.
func (s *Server) workflows(r *repository) ([]*workflowRef, error) {
	tip, err := r.git.Resolve("refs/heads/main")
	if err != nil {
		return nil, err
	}
	e, err := r.git.Lookup(tip, ".github/workflows")
	if errors.Is(err, gitrepo.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	_, entries, err := r.git.Tree(e.Hash, false)
	if err != nil {
		return nil, err
	}
	var out []*workflowRef
	for _, file := range entries {
		if p := ".github/workflows/" + file.Path; workflow.IsFile(p) {
			out = append(out, s.workflowRef(r, p))
		}
	}
	return out, nil
}

func (s *Server) workflowRef(r *repository, p string) *workflowRef {
	for _, w := range r.Workflows {
		if w.Path == p {
			return w
		}
	}
	w := &workflowRef{ID: s.newID(), Path: p, CreatedAt: time.Now()}
	r.Workflows = append(r.Workflows, w)
	return w
}

// findWorkflow finds a workflow on the default branch by number or file name.
func (s *Server) findWorkflow(c *call) (*workflowRef, error) {
	all, err := s.workflows(c.repo)
	if err != nil {
		return nil, err
	}
	name := c.path("workflow")
	for _, w := range all {
		if path.Base(w.Path) == name || w.Path == name || itoa(w.ID) == name {
			return w, nil
		}
	}
	return nil, errNotFound
}

// readWorkflow parses a workflow file at a commit.
func readWorkflow(r *repository, w *workflowRef, commit string) (*workflow.File, []byte, error) {
	e, err := r.git.Lookup(commit, w.Path)
	if err != nil {
		return nil, nil, err
	}
	data, err := r.git.Blob(e.Hash)
	if err != nil {
		return nil, nil, err
	}
	f, err := workflow.Parse(w.Path, data)
	return f, data, err
}

func (s *Server) workflowJSON(r *repository, w *workflowRef) obj {
	name := w.Path
	if tip, err := r.git.Resolve("refs/heads/main"); err == nil {
		if f, _, err := readWorkflow(r, w, tip); err == nil {
			name = f.Name
		}
	}
	return obj{
		"id": w.ID, "node_id": nodeID("Workflow", w.ID), "name": name, "path": w.Path, "state": "active",
		"created_at": stamp(w.CreatedAt), "updated_at": stamp(w.CreatedAt),
		"url":       s.apiURL(repoPath(r) + "/actions/workflows/" + itoa(w.ID)),
		"html_url":  s.htmlURL("/" + r.full() + "/blob/main/" + w.Path),
		"badge_url": s.htmlURL("/" + r.full() + "/workflows/" + escape(path.Base(w.Path)) + "/badge.svg"),
	}
}

type dispatchBody struct {
	Ref     string         `json:"ref"`
	Inputs  map[string]any `json:"inputs"`
	Details *bool          `json:"return_run_details"`
}

// dispatch starts a run by hand. It checks in GitHub's order: the body, the workflow on the default
// branch, the ref, the file at the ref, the inputs.
func (s *Server) dispatch(c *call) (reply, error) {
	var in dispatchBody
	if err := s.decodeDispatch(c, &in); err != nil {
		return reply{}, err
	}
	w, err := s.findWorkflow(c)
	if err != nil {
		return reply{}, err
	}
	branch, commit, err := dispatchRef(c.repo, in.Ref)
	if err != nil {
		return reply{}, err
	}
	f, _, err := readWorkflow(c.repo, w, commit)
	if errors.Is(err, gitrepo.ErrNotFound) {
		return reply{}, unprocessable("Workflow file " + w.Path + " does not exist at ref " + in.Ref)
	}
	if err == nil && len(f.Inputs) > s.maxInputs() {
		err = fmt.Errorf("failed to parse workflow: you may only define up to %d `inputs` for a `workflow_dispatch` event",
			s.maxInputs())
	}
	if err != nil {
		return reply{}, unprocessable(err.Error())
	}
	inputs, err := f.Resolve(in.Inputs)
	if errors.Is(err, workflow.ErrNoDispatch) {
		return reply{}, unprocessable("Workflow does not have 'workflow_dispatch' trigger")
	}
	if err != nil {
		return reply{}, unprocessable(err.Error())
	}
	v, err := s.newRun(c, w, f, branch, commit, inputs)
	if err != nil {
		return reply{}, unprocessable(err.Error())
	}
	s.state.Counts.Dispatches[c.repo.full()+" "+path.Base(w.Path)]++
	return s.dispatched(c, in, v)
}

func unprocessable(message string) error { return fail(http.StatusUnprocessableEntity, "%s", message) }

// newVersion is the REST version that always returns the details of the run.
const newVersion = "2026-03-10"

func (s *Server) decodeDispatch(c *call, in *dispatchBody) error {
	if err := decode(c.body, in); err != nil {
		return err
	}
	fields := map[string]json.RawMessage{}
	if err := decode(c.body, &fields); err != nil {
		return err
	}
	for name := range fields {
		known := name == "ref" || name == "inputs" || name == "return_run_details" && !s.cfg.OldServer
		if !known && s.cfg.OldServer {
			return fail(http.StatusBadRequest, "Invalid request.\n\n%q is not a permitted key.", name)
		}
		if !known {
			return unprocessable("Invalid request.\n\n" + strconv.Quote(name) + " is not a permitted key.")
		}
	}
	switch {
	case in.Ref == "":
		return unprocessable("Invalid request.\n\n\"ref\" wasn't supplied.")
	case len(in.Inputs) > s.maxInputs():
		return unprocessable(fmt.Sprintf("Invalid request.\n\nNo more than %d properties are allowed; %d were supplied.",
			s.maxInputs(), len(in.Inputs)))
	}
	return nil
}

func (s *Server) maxInputs() int {
	if s.cfg.OldServer {
		return workflow.MaxInputsOld
	}
	return workflow.MaxInputs
}

func dispatchRef(r *repository, ref string) (branch, commit string, err error) {
	branch = strings.TrimPrefix(strings.TrimPrefix(ref, "refs/heads/"), "refs/tags/")
	for _, full := range []string{"refs/heads/" + branch, "refs/tags/" + branch} {
		if commit, err := r.git.Resolve(full); err == nil {
			return branch, commit, nil
		}
	}
	return "", "", unprocessable("No ref found for: " + ref)
}

func (s *Server) dispatched(c *call, in dispatchBody, v *run) (reply, error) {
	always := c.r.Header.Get("X-GitHub-Api-Version") == newVersion
	if !always && (in.Details == nil || !*in.Details) {
		return noContent()
	}
	return ok(obj{
		"workflow_run_id": v.ID, "run_url": s.apiURL(repoPath(c.repo) + "/actions/runs/" + itoa(v.ID)),
		"html_url": s.htmlURL("/" + c.repo.full() + "/actions/runs/" + itoa(v.ID)),
	})
}
