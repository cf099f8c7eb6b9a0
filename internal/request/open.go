package request

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/invisible"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// Draft is a request as a person fills it in.
type Draft struct {
	ID          string // from NewID, drawn when the person began, so that sending it twice makes one request
	Project     string
	Environment string // "dev/app"
	Module      string
	Inputs      map[string]any // as Module.Parse takes them
	Reason      string
}

// Checked is a draft without faults.
type Checked struct {
	Draft
	project     config.Project
	environment config.Environment
	module      *catalog.Module
	config      map[string]any
}

// NewID draws the id of a request: 13 of [a-z2-7], 65 random bits.
func NewID() string { return "req_" + strings.ToLower(rand.Text()[:13]) }

// CheckDraft finds what is wrong with a draft, all faults at once, without a call to another system.
func (s *Service) CheckDraft(d Draft) (Checked, *Refusal) {
	d.Reason = strings.TrimSpace(d.Reason)
	out := Checked{Draft: d}
	var faults []Fault
	var ok bool
	if out.project, ok = s.project(d.Project); d.Project == "" {
		faults = append(faults, faultf(FieldProject, "A project is required: %s.", listed(s.Projects, projectName)))
	} else if !ok {
		faults = append(faults, faultf(FieldProject, "Unknown project %.60q. Projects: %s.",
			d.Project, listed(s.Projects, projectName)))
	} else if out.environment, ok = environmentIn(out.project, d.Environment); !ok {
		faults = append(faults, faultf(FieldEnvironment, "Unknown environment %.60q in %s. Environments: %s.",
			d.Environment, d.Project, listed(out.project.Environments, config.Environment.String)))
	}
	if out.module, ok = s.Catalog.Module(d.Module); !ok {
		faults = append(faults, faultf(FieldModule, "Unknown module %.60q. Modules: %s.",
			d.Module, strings.Join(s.Catalog.Names(), ", ")))
	}
	if len(faults) == 0 {
		var wrong catalog.FieldErrors
		out.config, wrong = out.module.Parse(d.Inputs, Limits(out.environment))
		for _, e := range wrong {
			faults = append(faults, Fault{FieldInput + e.Field, e.Message})
		}
	}
	if d.Reason == "" {
		faults = append(faults, Fault{FieldReason, "Add a short reason. Approvers will see it."})
	}
	return out, invalid(append(faults, checkReason(d.Reason)...)...)
}

// Open creates a request. Sent again by the same person, the draft is the request that it made.
func (s *Service) Open(ctx context.Context, c Caller, d Draft) (store.Doc, error) {
	checked, wrong := s.CheckDraft(d)
	if wrong != nil {
		return store.Doc{}, wrong
	}
	if refusal := firstOf(
		func() *Refusal { return s.MayOpen(c, checked.environment) },
		func() *Refusal { return s.MayUse(c, checked.module, checked.project.Name) },
	); refusal != nil {
		return store.Doc{}, refusal
	}
	r, err := checked.request(c)
	if err != nil {
		return store.Doc{}, &Refusal{
			Class: Invalid, Code: lifecycle.CodeInput, cause: err, Text: "This form is from another version of TfPilot. " +
				"Start again.",
		}
	}
	doc, err := s.Documents.Create(ctx, r)
	switch {
	case errors.Is(err, store.ErrExists) && c.is(doc.Request.Requester):
		// sent twice: the first one counts
	case errors.Is(err, store.ErrExists):
		return store.Doc{}, conflict(lifecycle.CodeTaken, "Another request already has this ID. Start again.")
	case err != nil:
		return store.Doc{}, unavailable(err)
	}
	s.changed(ctx, doc)
	return doc, nil
}

// request is the document that a draft makes.
func (d Checked) request(c Caller) (lifecycle.Request, error) {
	env := d.environment
	where := lifecycle.Environment{Key: env.Key, Slug: env.Slug}
	path, err := lifecycle.RequestPath(where, d.ID)
	if err != nil {
		return lifecycle.Request{}, fmt.Errorf("path of %s: %w", d.ID, err)
	}
	return lifecycle.New(lifecycle.NewRequest{
		ID: d.ID, Title: d.Title(), Reason: d.Reason, Requester: c.Person, Project: d.project.Name,
		Environment: where,
		Module:      d.module.Name, CatalogDigest: d.module.Digest, Config: d.config,
		Target: lifecycle.Target{
			Owner: d.project.Owner, Repo: d.project.Repo, Base: d.project.Base,
			Branch: lifecycle.RequestBranch(d.ID), Path: path,
		},
	}, c.Actor(), now()), nil
}

// MaxTitle bounds a title, in runes.
const MaxTitle = 100

// Title names the request: what it is, and what it is called.
func (d Checked) Title() string {
	for _, f := range d.module.Fields {
		name, _ := d.config[f.Name].(string)
		if f.Required && f.Kind == catalog.Text && name != "" {
			return titleLine(d.module.Title + " " + name)
		}
	}
	return titleLine(d.module.Title)
}

// titleLine is text on one line, with what is invisible shown, cut at the limit.
func titleLine(text string) string {
	text = invisible.Show(strings.Join(strings.Fields(text), " "))
	if utf8.RuneCountInString(text) <= MaxTitle {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:MaxTitle-1])) + "…"
}

func faultf(field, format string, args ...any) Fault {
	return Fault{field, fmt.Sprintf(format, args...)}
}

func projectName(p config.Project) string { return p.Name }

// listed joins the names of what there is.
func listed[T any](all []T, name func(T) string) string {
	out := make([]string, 0, len(all))
	for _, one := range all {
		out = append(out, name(one))
	}
	return strings.Join(out, ", ")
}
