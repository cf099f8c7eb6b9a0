package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/invisible"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/secretscan"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/slackapp"
)

// sourceCLI is the audit source of the command line.
const sourceCLI = "cli"

// console is `tfpilot requests`: the same facts, rights and wishes as Slack, for
// whoever holds the app's access to the bucket.
type console struct {
	as   string
	json bool
	*parts
	out, errs io.Writer
	terminal  io.Writer // for colors; whatever goes there is written out first
}

func newRequests() *cobra.Command {
	k := &console{}
	c := &cobra.Command{Use: "requests", Short: "List, show, open and decide on requests"}
	c.PersistentFlags().StringVar(&k.as, "as", "", "GitHub login whose rights count")
	c.PersistentFlags().BoolVar(&k.json, "json", false, "print JSON")
	c.AddCommand(k.listCommand(), k.showCommand(), k.planCommand(), k.openCommand(), k.syncCommand(), k.exportCommand())
	for _, row := range lifecycle.ActionRows() {
		if row.Action != lifecycle.ActionSync { // which changes nothing and also works without an id
			c.AddCommand(k.wishCommand(row))
		}
	}
	return c
}

// command makes one sub-command that runs with the parts opened.
func (k *console) command(use, short string, args cobra.PositionalArgs, run func(ctx context.Context, args []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, a []string) error {
		cfg, err := settings(config.CLI)
		if err != nil {
			return err
		}
		queue.Quiet()
		// The bucket was probed when app and worker started; a command makes its own calls only.
		if k.parts, err = open(c.Context(), cfg, credentials{}, newLog(slog.LevelWarn, false)); err != nil {
			return err
		}
		defer func() { _ = k.close() }()
		k.terminal = c.OutOrStdout()
		k.out, k.errs = visible{c.OutOrStdout()}, visible{c.ErrOrStderr()}
		return run(c.Context(), a)
	}}
}

func (k *console) showCommand() *cobra.Command {
	return k.command("show ID", "Show a request: reason, inputs, status, plan, approvals, runs, outputs, next actions", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		doc, err := k.get(ctx, args[0])
		if err != nil {
			return err
		}
		return k.show(ctx, doc)
	})
}

func (k *console) get(ctx context.Context, id string) (store.Doc, error) {
	doc, err := k.store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrKey) {
		return doc, fmt.Errorf("there is no request %q; tfpilot requests list names them", id)
	}
	return doc, err
}

func (k *console) openCommand() *cobra.Command {
	var project, env, reason string
	c := k.command("open MODULE [INPUT=VALUE …]", "Open a request", cobra.MinimumNArgs(1), func(ctx context.Context, args []string) error {
		return k.open(ctx, project, env, reason, args[0], args[1:])
	})
	c.Flags().StringVar(&project, "project", "", "project, as in tfpilot.yaml")
	c.Flags().StringVar(&env, "env", "", "environment, key/slug")
	c.Flags().StringVar(&reason, "reason", "", "why it is needed")
	return c
}

func (k *console) open(ctx context.Context, project, envName, reason, module string, inputs []string) error {
	p, err := projectNamed(k.cfg, "--project", project)
	if err != nil {
		return err
	}
	env, err := environmentNamed(p, envName)
	if err != nil {
		return err
	}
	key, slug := env.Key, env.Slug
	m, ok := k.catalog.Module(module)
	if !ok {
		return usagef("there is no module %q; there is %s", module, strings.Join(k.catalog.Names(), ", "))
	}
	who, err := k.person(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(k.mayOpen(who, env, m), checkReason(reason)); err != nil {
		return err
	}
	values, err := parseInputs(m, inputs)
	if err != nil {
		return err
	}
	conf, errs := m.Parse(values, catalog.Environment{Project: project, Key: key, Slug: slug, Protected: env.Protected})
	if len(errs) > 0 {
		return errs
	}
	id := newRequestID()
	path, err := lifecycle.RequestPath(lifecycle.Environment{Key: key, Slug: slug}, id)
	if err != nil {
		return err
	}
	r := lifecycle.New(lifecycle.NewRequest{
		ID: id, Title: slackapp.TitleOf(m, conf), Reason: reason, Requester: who, Project: project,
		Environment: lifecycle.Environment{Key: key, Slug: slug}, Module: m.Name, CatalogDigest: m.Digest, Config: conf,
		Target: lifecycle.Target{Owner: p.Owner, Repo: p.Repo, Base: p.Base, Branch: lifecycle.RequestBranch(id), Path: path},
	}, lifecycle.Actor{Login: who.Login, Source: sourceCLI}, time.Now().UTC())
	doc, err := k.store.Create(ctx, r)
	if err != nil {
		return err
	}
	k.changed(ctx, doc)
	return k.show(ctx, doc)
}

// environmentNamed finds what --env names.
func environmentNamed(p config.Project, name string) (config.Environment, error) {
	var names []string
	for _, e := range p.Environments {
		if e.String() == name {
			return e, nil
		}
		names = append(names, e.String())
	}
	return config.Environment{}, usagef("--env: there is no environment %q in %s; there is %s", name, p.Name, strings.Join(names, ", "))
}

// mayOpen asks the same as Slack: the matrix, and whom the module is for.
func (k *console) mayOpen(who lifecycle.Person, env config.Environment, m *catalog.Module) error {
	subject := rbac.Subject{Login: who.Login, GithubID: who.GithubID}
	if d := k.cfg.Policy().Decide(subject, rbac.Create, rbac.ScopeIn(env.Rules())); !d.Allowed {
		return errors.New(d.Reason)
	}
	if ok, why := m.Allows(string(k.cfg.Policy().Role(subject)), env.Project); !ok {
		return errors.New(why)
	}
	return nil
}

// maxReason bounds a reason, in runes; it is shown on cards and in the pull request.
const maxReason = 1000

func checkReason(reason string) error {
	if n := utf8.RuneCountInString(reason); n > maxReason {
		return usagef("--reason: %d characters; at most %d are possible", n, maxReason)
	}
	if err := secretscan.CheckInput(reason, invisible.Lines); err != nil {
		return usagef("--reason: the text %s", err)
	}
	return nil
}

func parseInputs(m *catalog.Module, inputs []string) (map[string]any, error) {
	values := map[string]any{}
	for _, in := range inputs {
		name, value, ok := strings.Cut(in, "=")
		if !ok {
			return nil, usagef("%q is no input; write NAME=VALUE", in)
		}
		if _, twice := values[name]; twice {
			return nil, usagef("%s is given twice; write each input once", name)
		}
		values[name] = value
		if f, ok := m.Field(name); ok && value == "" && f.Empty() != nil {
			values[name] = f.Empty() // NAME= empties a list or map, as in a form
		}
	}
	return values, nil
}

// newRequestID draws an id: req_ and 13 of [a-z0-9].
func newRequestID() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	id := []byte("req_")
	var b [1]byte
	for len(id) < 17 {
		_, _ = rand.Read(b[:])
		if int(b[0]) < 256/len(letters)*len(letters) {
			id = append(id, letters[int(b[0])%len(letters)])
		}
	}
	return string(id)
}

// person is whoever --as names, with their linked identity.
func (k *console) person(ctx context.Context) (lifecycle.Person, error) {
	if k.as == "" {
		return lifecycle.Person{}, usagef("--as LOGIN is required")
	}
	for id, err := range k.store.Identities(ctx) {
		if err != nil {
			return lifecycle.Person{}, err
		}
		if lifecycle.SameLogin(id.Login, k.as) {
			return lifecycle.Person{Login: id.Login, GithubID: id.GithubID, SlackTeam: id.SlackTeam, SlackUser: id.SlackUser, Name: id.Login}, nil
		}
	}
	return lifecycle.Person{}, fmt.Errorf("no identity is linked to %q; an admin links one with: tfpilot identities link", k.as)
}

// changed tells the workers. It may fail: they find by themselves what was not enqueued.
func (k *console) changed(ctx context.Context, doc store.Doc) {
	if err := k.notifier.Changed(ctx, doc.Request, doc.Archived); err != nil {
		k.log.Warn("no worker was told; one finds it within a minute", "error", err)
	}
}

// may asks the matrix for what is about no environment.
func (k *console) may(ctx context.Context, verb rbac.Verb) error {
	who, err := k.person(ctx)
	if err != nil {
		return err
	}
	if d := k.cfg.Policy().Decide(rbac.Subject{Login: who.Login, GithubID: who.GithubID}, verb, rbac.Scope{}); !d.Allowed {
		return errors.New(d.Reason)
	}
	return nil
}

func (k *console) syncCommand() *cobra.Command {
	return k.command("sync ID", "Read GitHub for a request now", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		doc, err := k.get(ctx, args[0])
		if err != nil {
			return err
		}
		if err := k.may(ctx, rbac.Sync); err != nil {
			return err
		}
		repo := doc.Request.Target.Owner + "/" + doc.Request.Target.Repo
		if err := k.notifier.Sync(ctx, repo); err != nil {
			return err
		}
		return k.say("A worker reads GitHub now.", map[string]any{"request": doc.Request.ID, "repository": repo})
	})
}

func (k *console) exportCommand() *cobra.Command {
	return k.command("export ID", "Print the document and its log as JSON", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		doc, err := k.get(ctx, args[0])
		if err != nil {
			return err
		}
		events, err := k.store.Log(ctx, doc.Request.ID)
		if err != nil {
			return err
		}
		return k.print(map[string]any{"request": doc.Request, "archived": doc.Archived, "log": append(events, doc.Request.Audit.Pending...)})
	})
}

// say tells a person a sentence, and a script the same as data.
func (k *console) say(text string, v any) error {
	if k.json {
		return k.print(v)
	}
	_, err := fmt.Fprintln(k.out, text)
	return err
}

func (k *console) print(v any) error {
	enc := json.NewEncoder(k.out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
