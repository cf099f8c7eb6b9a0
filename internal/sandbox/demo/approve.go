package demo

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// approvalTracks is the fourth chapter: who can approve, who cannot, and what dismisses an approval.
func (j *journey) approvalTracks() [][]step {
	return [][]step{{
		{"dana", "may not approve, since she is a developer", func(ctx context.Context) error {
			return j.refusedApproval(ctx, j.dana, j.bucket, "Only approvers and admins can approve", "Ask ana, omar or adam")
		}},
		{"vic", "may not approve, since he can only view", func(ctx context.Context) error {
			return j.refusedApproval(ctx, j.vic, j.bucket, "Only approvers and admins can approve", "Ask ana, omar or adam")
		}},
		{"omar", "approves the bucket", func(ctx context.Context) error { return j.approves(ctx, j.omar, j.bucket, "") }},
		{"dana", "sees in the thread who approved it", func(ctx context.Context) error {
			_, err := j.dana.seesReply(ctx, j.bucket, later, " ready for ", "Approved by omar")
			return err
		}},
	}, {
		{"ana", "may not approve her own request", func(ctx context.Context) error {
			return j.refusedApproval(ctx, j.ana, j.anas, "You wrote or edited this request", "Ask omar")
		}},
		{"ana", "may not do so with a review on GitHub, and gets an answer there", j.reviewsHerOwn},
		{"ana", "closes her own request", j.closesOwn},
	}, {
		{"adam", "may not approve his own request, admin or not", func(ctx context.Context) error {
			return j.refusedApproval(ctx, j.adam, j.adams, "You wrote or edited this request", "ana or omar")
		}},
	}, {
		{"omar", "approves dana's second bucket", func(ctx context.Context) error {
			return j.approves(ctx, j.omar, j.words, "")
		}},
		{"dana", "pushes a commit to its branch, and the approval no longer counts", j.pushes},
		{"dana", "restores the generated file, and gets a new plan", j.restores},
		{"omar", "rejects it, which requires a reason", j.rejects},
		{"dana", "reads the reason in the thread and in her messages", j.readsReason},
	}, {
		{"ana", "may not approve in production, since the list does not name her", j.notListed},
		{"adam", "reviews the production request on GitHub, and is referred to Slack", j.reviewsProduction},
		{"omar", "types the wrong environment, then the right one, and approves", j.typesToApprove},
		{"omar", "merges the production request", func(ctx context.Context) error { return j.merges(ctx, j.omar, j.prod) }},
		{"omar", "applies in production", func(ctx context.Context) error {
			return j.clicksAction(ctx, j.omar, j.prod, "Apply")
		}},
		{"omar", "sees production applied", func(ctx context.Context) error {
			if _, err := j.omar.sees(ctx, j.prod, later, stateApplied); err != nil {
				return err
			}
			return j.inCloud(ctx, j.prod, true)
		}},
	}}
}

// refusedApproval clicks Approve in the thread and expects a refusal that names the reason and the
// approvers.
func (j *journey) refusedApproval(ctx context.Context, p *person, r *request, why, who string) error {
	reply, err := p.planReply(ctx, r)
	if err != nil {
		return err
	}
	return p.clicksAndSees(ctx, reply, "Approve", why, who)
}

// approves clicks Approve in the thread and waits until the card shows the approval. typed is the text
// that a protected environment requires.
func (j *journey) approves(ctx context.Context, p *person, r *request, typed string) error {
	reply, err := p.planReply(ctx, r)
	if err != nil {
		return err
	}
	if typed == "" {
		err = p.approvesPlan(ctx, reply, "Approve", r, r.kind+".")
	} else {
		err = j.confirms(ctx, p, reply, "Approve", typed)
	}
	if err != nil {
		return err
	}
	_, err = p.sees(ctx, r, later, "Approval: by "+p.name)
	return err
}

// approvesPlan clicks a button that opens the plan, reads the plan and approves it.
func (p *person) approvesPlan(ctx context.Context, reply message, label string, r *request, words ...string) error {
	p.windows.Lock()
	defer p.windows.Unlock()
	if err := p.clicks(ctx, reply, label); err != nil {
		return err
	}
	v, err := p.window(ctx, append([]string{"You're approving this exact plan"}, words...)...)
	if err != nil {
		return err
	}
	if _, err := p.sends(ctx, v, nil); err != nil {
		return err
	}
	if _, err := p.window(ctx, "Your approval of “"+r.title+"” is saved"); err != nil {
		return err
	}
	return p.closes(ctx)
}

// confirms clicks a button that opens a window, types a wrong environment and then the right one, and
// submits it.
func (j *journey) confirms(ctx context.Context, p *person, m message, label, env string) error {
	p.windows.Lock()
	defer p.windows.Unlock()
	if err := p.clicks(ctx, m, label); err != nil {
		return err
	}
	field := fmt.Sprintf("%s is protected. Type %s to confirm.", env, env)
	v, err := p.window(ctx, field)
	if err != nil {
		return err
	}
	r, err := p.submits(ctx, v, map[string]any{field: "dev/app"})
	if err != nil {
		return err
	}
	if len(r.Errors) != 1 {
		return notSeen("an error at “"+field+"”", fmt.Sprint(r.Errors))
	}
	if _, err := p.sends(ctx, v, map[string]any{field: env}); err != nil {
		return err
	}
	if _, err := p.window(ctx, "of “"); err != nil { // "Your approval of …", "Destroy of …"
		return err
	}
	return p.closes(ctx)
}

// isAnsweredOnGitHub approves the plan in the pull request with a review, and expects a comment of TfPilot
// with these words. TfPilot does not count a review of the second in which it posted the plan, and asks for
// another one, which the person gives.
func (p *person) isAnsweredOnGitHub(ctx context.Context, r *request, words ...string) error {
	const again = "Approve again if you have seen the plan above"
	if err := p.readsComment(ctx, r, "TfPilot plan"); err != nil {
		return err
	}
	reviews := 0
	want := fmt.Sprintf("a comment of TfPilot in pull request #%d with “%s”", r.pull, strings.Join(words, "” and “"))
	return until(ctx, later, want, func(ctx context.Context) (bool, string, error) {
		all, err := p.comments(ctx, r)
		if err != nil {
			return false, "", err
		}
		asked := 0
		for _, c := range all {
			switch {
			case strings.HasPrefix(c, "tfpilot[bot]: ") && containsAll(c, words...):
				return true, "", nil
			case strings.Contains(c, again):
				asked++
			}
		}
		if asked == reviews { // the first time, and whenever TfPilot asks for another one
			reviews++
			err = p.github(ctx, http.MethodPost, r.pullPath()+"/reviews", map[string]any{"event": "APPROVE"}, nil)
		}
		return false, strings.Join(all[max(0, len(all)-1):], ""), err // the newest says why
	})
}

func (j *journey) reviewsHerOwn(ctx context.Context) error {
	if err := j.ana.isAnsweredOnGitHub(ctx, j.anas, "The review of ana does not count as an approval",
		"You wrote or edited this request", "Ask omar"); err != nil {
		return err
	}
	_, err := j.ana.sees(ctx, j.anas, soon, statePlanReady)
	return err
}

func (j *journey) reviewsProduction(ctx context.Context) error {
	return j.adam.isAnsweredOnGitHub(ctx, j.prod, "The review of adam does not count as an approval", "typed in Slack")
}

// pushes commits to the branch of a request by hand.
func (j *journey) pushes(ctx context.Context) error {
	path := "/repos/" + j.words.repo + "/contents/envs/" + j.words.env() + "/by_hand.tf"
	body := map[string]any{
		"message": "A bucket of my own", "branch": "request/" + j.words.id,
		"content": base64.StdEncoding.EncodeToString([]byte("# not approved\n")),
	}
	if err := j.dana.github(ctx, http.MethodPut, path, body, nil); err != nil {
		return err
	}
	for _, place := range []string{infraDev, "dm"} {
		m, err := j.dana.seesIn(ctx, j.words, place, later, "modified outside TfPilot", "[Restore branch]",
			"[Close request]", "by omar, dismissed: ")
		if err != nil {
			return err
		}
		if has(m.Blocks, "Merge") || has(m.Blocks, "Approve") {
			return notSeen("neither Merge nor Approve on the card", m.read())
		}
	}
	if _, err := j.dana.seesReply(ctx, j.words, later, "The approval of "+j.words.title, "by omar was dismissed:",
		"the branch was modified outside TfPilot"); err != nil {
		return err
	}
	m, err := j.dana.seesReply(ctx, j.words, later, " ready for ")
	if err == nil && (has(m.Blocks, "Merge") || has(m.Blocks, "Approve")) {
		return notSeen("neither Merge nor Approve in the thread", m.read())
	}
	return err
}

func (j *journey) restores(ctx context.Context) error {
	m, err := j.dana.seesReply(ctx, j.words, later, "The branch of "+j.words.title, "was modified outside TfPilot",
		"[Restore branch]")
	if err != nil {
		return err
	}
	if err := j.dana.clicksAndSees(ctx, m, "Restore branch", "Restore of"); err != nil {
		return err
	}
	if _, err := j.dana.sees(ctx, j.words, later, statePlanReady, "[Approve]"); err != nil {
		return err
	}
	return j.oneFile(ctx, j.words)
}

const production = "prod/app"

func (j *journey) notListed(ctx context.Context) error {
	reply, err := j.ana.planReply(ctx, j.prod)
	if err != nil {
		return err
	}
	j.ana.windows.Lock()
	defer j.ana.windows.Unlock()
	if err := j.ana.clicks(ctx, reply, "Approve"); err != nil {
		return err
	}
	if _, err := j.ana.window(ctx, production+" is protected", "you don't have permission to approve",
		"Ask omar or adam"); err != nil {
		return err
	}
	return j.ana.closes(ctx)
}

func (j *journey) typesToApprove(ctx context.Context) error {
	return j.approves(ctx, j.omar, j.prod, production)
}
