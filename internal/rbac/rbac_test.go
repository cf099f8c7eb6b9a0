package rbac

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

var (
	dana = Subject{Login: "dana", GithubID: 1001}
	ana  = Subject{Login: "ana", GithubID: 1002}
	omar = Subject{Login: "omar", GithubID: 1003}
	adam = Subject{Login: "adam", GithubID: 1004}
	vic  = Subject{Login: "vic", GithubID: 1005}
	dev7 = Subject{Login: "dev7", GithubID: 1007}
	eve  = Subject{Login: "eve", GithubID: 1008} // admin, in the first production list only
	kai  = Subject{Login: "kai", GithubID: 1009} // admin, in the destroy list only
)

func team() Policy {
	return Policy{
		Admins:             []string{"adam"},
		Approvers:          []string{"Ana", "omar"},
		Viewers:            []string{"vic"},
		ProdAllowed:        []string{"omar", "adam"},
		DestroyProdAllowed: []string{"adam"},
	}
}

func TestRole(t *testing.T) {
	p := team()
	p.Approvers = append(p.Approvers, "adam", "")
	for _, c := range []struct {
		name    string
		allowed []string
		subject Subject
		want    Role
	}{
		{"first list wins", nil, adam, Admin},
		{"without case", nil, Subject{Login: "ANA", GithubID: 1}, Approver},
		{"viewer", nil, vic, Viewer},
		{"everyone else", nil, Subject{Login: "stranger", GithubID: 7}, Developer},
		{"not linked", nil, Subject{}, Viewer},
		{"an id alone is no login", nil, Subject{GithubID: 1004}, Viewer},
		{"allowed", []string{"Dana"}, dana, Developer},
		{"admin who is not allowed", []string{"dana"}, adam, NoRole},
		{"not linked where a list says who", []string{"dana"}, Subject{}, NoRole},
		{"a look-alike letter is another login", nil, Subject{Login: "\u212Aim", GithubID: 8}, Developer},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := p
			p.AllowedLogins = c.allowed
			p.Admins = append(slices.Clone(p.Admins), "kim")
			if got := p.Role(c.subject); got != c.want {
				t.Errorf("Role = %q, want %q", got, c.want)
			}
		})
	}
}

// request is created by dana and edited by ana.
func request(key string) (lifecycle.Request, Environment) {
	r := lifecycle.Request{
		Project:     "core",
		Environment: lifecycle.Environment{Key: key, Slug: "app"},
		Requester:   lifecycle.Person{Login: "dana", GithubID: 1001},
		Authors:     []string{"dana", "ana"},
		AuthorIDs:   []int64{1001, 1002},
	}
	return r, Environment{Project: "core", Key: key, Slug: "app"}
}

var decideCases = []struct {
	name    string
	subject Subject
	verb    Verb
	key     string
	env     func(*Environment)
	want    Decision
}{
	{"approver approves", omar, Approve, "dev", nil, Decision{Allowed: true}},
	{"developer approves", dana, Approve, "dev", nil, Decision{false, lifecycle.CodeRole,
		"Only approvers and admins can approve. Ask omar or adam.", []string{"omar", "adam"}}},
	{"viewer approves", vic, Approve, "dev", nil, Decision{false, lifecycle.CodeRole,
		"Only approvers and admins can approve. Ask omar or adam.", []string{"omar", "adam"}}},
	{"author approves", ana, Approve, "dev", nil, Decision{false, lifecycle.CodeAuthor,
		"You wrote or edited this request, so someone else must approve it. Ask omar or adam.", []string{"omar", "adam"}}},
	{"author approves where that is allowed", ana, Approve, "dev", func(e *Environment) { e.SelfApproval = true },
		Decision{Allowed: true}},
	{"author approves in production though configured", Subject{Login: "Ana", GithubID: 0}, Approve, "prod",
		func(e *Environment) { e.SelfApproval = true },
		Decision{false, lifecycle.CodeAuthor, "You wrote or edited this request, so someone else must approve it. Ask " +
			"omar or adam.", []string{"omar", "adam"}}},
	{"author by id under a new login", Subject{Login: "anabel", GithubID: 1002}, Close, "dev", nil,
		Decision{false, lifecycle.CodeNotOwn,
			"Only the requester, approvers and admins can close this request. Ask dana, Ana, omar or adam.",
			[]string{"dana", "Ana", "omar", "adam"}}},
	{"not linked", Subject{}, Create, "dev", nil, Decision{false, lifecycle.CodeNotLinked,
		"Your account isn't linked to a GitHub login, so you can't request infrastructure. Ask adam.", []string{"adam"}}},
	{"requester applies where approvers do", dana, Apply, "dev", nil, Decision{false, lifecycle.CodeNotOwn,
		"Only approvers and admins can apply this request. Ask Ana, omar or adam.", []string{"Ana", "omar", "adam"}}},
	{"requester applies where the requester may", dana, Apply, "dev", func(e *Environment) {
		e.Apply = Requester
	}, Decision{Allowed: true}},
	{"requester applies in production", dana, Apply, "prod", func(e *Environment) {
		e.Apply = Requester
	}, Decision{false, lifecycle.CodeProtected,
		"prod/app is protected, and you don't have permission to apply this request there. Ask omar or adam.",
		[]string{"omar", "adam"}}},
	{"plan by click in production", dana, Plan, "prod", nil, Decision{false, lifecycle.CodeProtected,
		"prod/app is protected, and you don't have permission to re-plan this request there. Ask omar or adam.",
		[]string{"omar", "adam"}}},
	{"approver destroys", omar, Destroy, "dev", nil, Decision{false, lifecycle.CodeRole,
		"Only admins can destroy the resources of this request. Ask adam.", []string{"adam"}}},
	{"requester destroys where admins do", dana, Destroy, "dev", nil, Decision{false, lifecycle.CodeNotOwn,
		"Only admins can destroy the resources of this request. Ask adam.", []string{"adam"}}},
	{"requester destroys where the requester may", dana, Destroy, "dev", func(e *Environment) {
		e.Destroy = Requester
	}, Decision{Allowed: true}},
	{"approver destroys where the requester may", omar, Destroy, "dev", func(e *Environment) {
		e.Destroy = Requester
	}, Decision{false, lifecycle.CodeRole,
		"Only the developer who requested it and admins can destroy the resources of this request. Ask dana or adam.",
		[]string{"dana", "adam"}}},
	{"another developer applies where the requester may", dev7, Apply, "dev", func(e *Environment) {
		e.Apply = Requester
	}, Decision{false, lifecycle.CodeNotOwn,
		"Only the requester, approvers and admins can apply this request. Ask dana, Ana, omar or adam.",
		[]string{"dana", "Ana", "omar", "adam"}}},
	{"another developer merges where the requester may", dev7, Merge, "dev", func(e *Environment) {
		e.Apply = Requester
	}, Decision{false, lifecycle.CodeNotOwn,
		"Only the requester, approvers and admins can merge this request. Ask dana, Ana, omar or adam.",
		[]string{"dana", "Ana", "omar", "adam"}}},
	{"another developer destroys where the requester may", dev7, Destroy, "dev", func(e *Environment) {
		e.Destroy = Requester
	}, Decision{false, lifecycle.CodeNotOwn,
		"Only the developer who requested it and admins can destroy the resources of this request. Ask dana or adam.",
		[]string{"dana", "adam"}}},
	{"requester applies where only destroy is theirs", dana, Apply, "dev", func(e *Environment) {
		e.Destroy = Requester
	}, Decision{false, lifecycle.CodeNotOwn,
		"Only approvers and admins can apply this request. Ask Ana, omar or adam.", []string{"Ana", "omar", "adam"}}},
	{"requester destroys where only apply is theirs", dana, Destroy, "dev", func(e *Environment) {
		e.Apply = Requester
	}, Decision{false, lifecycle.CodeNotOwn,
		"Only admins can destroy the resources of this request. Ask adam.", []string{"adam"}}},
	{"admin destroys in production", adam, Destroy, "prod", nil, Decision{Allowed: true}},
	{"admin of the first production list destroys", eve, Destroy, "prod", nil, Decision{false, lifecycle.CodeProtected,
		"prod/app is protected, and you don't have permission to destroy the resources of this request there. Ask adam.",
		[]string{"adam"}}},
	{"admin of the destroy list applies", kai, Apply, "prod", nil, Decision{false, lifecycle.CodeProtected,
		"prod/app is protected, and you don't have permission to apply this request there. Ask omar, adam or eve.",
		[]string{"omar", "adam", "eve"}}},
	{"unknown verb", adam, "sudo", "dev", nil, Decision{Code: lifecycle.CodeUnknownVerb,
		Reason: "Unknown action."}},
	{"environment not configured", adam, Apply, "dev", func(e *Environment) {
		e.Slug = "api"
	}, Decision{false, lifecycle.CodeEnvironmentUnknown,
		"This environment isn't in TfPilot's configuration, so nothing can be changed in it. No one can do this right " +
			"now. Ask the operator of TfPilot.", nil}},
}

func TestDecide(t *testing.T) {
	for _, c := range decideCases {
		t.Run(c.name, func(t *testing.T) {
			r, env := request(c.key)
			if c.env != nil {
				c.env(&env)
			}
			p := team()
			if c.subject == eve || c.subject == kai {
				p.Admins = append(p.Admins, "eve", "kai")
				p.ProdAllowed = append(p.ProdAllowed, "eve")
				p.DestroyProdAllowed = []string{"adam", "kai"}
			}
			if c.subject == eve {
				p.DestroyProdAllowed = []string{"adam"}
			}
			got := p.Decide(c.subject, c.verb, ScopeOf(r, c.subject, env))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRecycledLoginOwnsNothing(t *testing.T) {
	r, env := request("dev")
	thief := Subject{Login: "dana", GithubID: 4711}
	if sc := ScopeOf(r, thief, env); sc.Own || !sc.Author {
		t.Errorf("Own %v, Author %v: a login with another id must gain nothing and stay barred", sc.Own, sc.Author)
	}
}

func TestPlanNeedsTheListOnlyByClick(t *testing.T) {
	r, env := request("prod")
	sc := ScopeOf(r, dana, env)
	sc.PlanByClick = false
	if d := team().Decide(dana, Plan, sc); !d.Allowed {
		t.Errorf("a plan that an edit makes due is refused: %s", d.Reason)
	}
}

func TestEmptyListSaysSo(t *testing.T) {
	p := team()
	p.ProdAllowed = nil
	r, env := request("prod")
	d := p.Decide(adam, Apply, ScopeOf(r, adam, env))
	want := "prod/app is protected, and you don't have permission to apply this request there. " +
		"TFPILOT_PROD_ALLOWED_USERS is empty. Ask the operator of TfPilot to add people to it."
	if d.Reason != want {
		t.Errorf("got %q", d.Reason)
	}
}

func TestVerbOf(t *testing.T) {
	for _, action := range lifecycle.ActionRows() {
		if row, ok := rows[VerbOf(action.Action)]; !ok || string(row.Verb) != action.Verb {
			t.Errorf("the matrix does not say who may %s", action.Action)
		}
	}
	if v := VerbOf("force-release"); v != "" {
		t.Errorf("an unknown action became %q", v)
	}
}

func TestNamesAreBounded(t *testing.T) {
	p := Policy{Admins: strings.Split(strings.Repeat("a,", 3)+"b,c,d,e,f,g,h", ",")}
	d := p.Decide(dana, Reindex, Scope{})
	if len(d.Who) != maxNames {
		t.Errorf("names %v", d.Who)
	}
}

func TestProdIsProtectedWhateverIsSaid(t *testing.T) {
	if sc := ScopeIn(Environment{Project: "core", Key: "prod", Slug: "app"}); !sc.Protected {
		t.Error("an environment prod came out unprotected")
	}
	p := team()
	p.ProdAllowed = nil
	if d := p.Decide(adam, Apply, Scope{Project: "core", Environment: "prod/app"}); d.Code != lifecycle.CodeProtected {
		t.Errorf("a scope that forgot it: %+v", d)
	}
}

func TestEmptyEntriesMatchNoOne(t *testing.T) {
	if lifecycle.SameLogin("", "") || names([]string{"", " "}, "") || names([]string{" "}, " ") {
		t.Error("an empty entry names someone")
	}
}
