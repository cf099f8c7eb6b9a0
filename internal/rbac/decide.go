package rbac

import (
	"fmt"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// maxNames is the most people that a refusal lists.
const maxNames = 5

// Decision is the result of Decide. A refusal has a code, a reason in full sentences,
// and the logins of people who can do it instead.
type Decision struct {
	Allowed bool
	Code    lifecycle.ReasonCode
	Reason  string
	Who     []string
}

// Decide reports whether s may do v in sc. It is the only function that grants a
// permission, and it refuses everything that it does not know.
func (p Policy) Decide(s Subject, v Verb, sc Scope) Decision {
	row, known := rows[v]
	if !known {
		return Decision{Code: lifecycle.CodeUnknownVerb, Reason: "Unknown action."}
	}
	code := p.refusal(s, row, sc)
	if code == "" {
		return Decision{Allowed: true}
	}
	who := p.who(s, row, code, sc)
	return Decision{Code: code, Reason: p.sentence(row, code, sc, who), Who: who}
}

// refusal returns the code of the first rule that refuses, or "".
func (p Policy) refusal(s Subject, row Row, sc Scope) lifecycle.ReasonCode {
	role := p.Role(s)
	grant := row.Grant(role)
	switch {
	case role == NoRole && s.Login == "":
		return lifecycle.CodeNotLinked
	case role == NoRole:
		return lifecycle.CodeNotAllowed
	case row.Needs == NeedsEnvironment && !sc.configured():
		return lifecycle.CodeEnvironmentUnknown
	case grant == No && s.Login == "":
		return lifecycle.CodeNotLinked
	case grant == No:
		return lifecycle.CodeRole
	case !covers(grant, sc):
		return lifecycle.CodeNotOwn
	case row.BarsAuthor && sc.Author && (!sc.SelfApproval || sc.protected()):
		return lifecycle.CodeAuthor
	case row.BarsRequester && sc.Requested && (!sc.SelfApproval || sc.protected()):
		return lifecycle.CodeRoundRequester
	case !p.listed(s, row, sc):
		return lifecycle.CodeProtected
	default:
		return ""
	}
}

// covers reports whether a grant reaches this request.
func covers(g Grant, sc Scope) bool {
	switch g {
	case Yes:
		return true
	case Own:
		return sc.Own
	case OwnApply:
		return sc.Own && sc.ApplyBy == Requester
	case OwnDestroy:
		return sc.Own && sc.DestroyBy == Requester
	default:
		return false
	}
}

// listed reports whether the list for a protected environment contains s.
func (p Policy) listed(s Subject, row Row, sc Scope) bool {
	if !sc.protected() || row.Verb == Plan && !sc.PlanByClick {
		return true
	}
	switch row.Protected {
	case NoList:
		return true
	case ProdList:
		return names(p.ProdAllowed, s.Login)
	case DestroyProdList:
		return names(p.DestroyProdAllowed, s.Login)
	default:
		return false
	}
}

// who returns the people who can do it instead: the requester, approvers and admins whom
// the same rules allow. If the subject lacks access as a whole, it returns the admins,
// who can change that.
func (p Policy) who(s Subject, row Row, code lifecycle.ReasonCode, sc Scope) []string {
	switch code {
	case lifecycle.CodeNotAllowed, lifecycle.CodeNotLinked, lifecycle.CodeEnvironmentUnknown:
		row, sc = rows[LinkIdentity], Scope{}
	}
	var found []string
	for _, login := range p.candidates(sc) {
		c := Subject{Login: login}
		if !lifecycle.SameLogin(login, s.Login) && !names(found, login) && p.refusal(c, row, sc.as(login)) == "" {
			found = append(found, login)
		}
	}
	return found[:min(len(found), maxNames)]
}

func (p Policy) candidates(sc Scope) []string {
	all := make([]string, 0, 1+len(p.Approvers)+len(p.Admins))
	if sc.RequesterLogin != "" {
		all = append(all, sc.RequesterLogin)
	}
	return append(append(all, p.Approvers...), p.Admins...)
}

func (p Policy) sentence(row Row, code lifecycle.ReasonCode, sc Scope, who []string) string {
	return why(row, code, sc) + ". " + ask(p, row, code, who) + "."
}

func why(row Row, code lifecycle.ReasonCode, sc Scope) string {
	switch code {
	case lifecycle.CodeNotAllowed:
		return "You don't have access to TfPilot"
	case lifecycle.CodeNotLinked:
		return "Your account isn't linked to a GitHub login, so you can't " + row.Phrase
	case lifecycle.CodeEnvironmentUnknown:
		return "This environment isn't in TfPilot's configuration, so nothing can be changed in it"
	case lifecycle.CodeAuthor:
		return fmt.Sprintf("You wrote or edited this request, so someone else must %s it", row.Verb)
	case lifecycle.CodeRoundRequester:
		return fmt.Sprintf("You requested this, so someone else must %s it", row.Verb)
	case lifecycle.CodeProtected:
		return fmt.Sprintf("%s is protected, and you don't have permission to %s there", sc.Environment, row.Phrase)
	default:
		return fmt.Sprintf("Only %s can %s", allowedRoles(row, sc), row.Phrase)
	}
}

func listName(l ProtectedList) string {
	if l == DestroyProdList {
		return "TFPILOT_DESTROY_PROD_ALLOWED_USERS"
	}
	return "TFPILOT_PROD_ALLOWED_USERS"
}

// allowedRoles lists the roles that a row allows, and the requester where a request of
// one's own is enough.
func allowedRoles(row Row, sc Scope) string {
	var parts []string
	for _, role := range Roles() {
		switch g := row.Grant(role); {
		case g == Yes:
			parts = append(parts, string(role)+"s")
		case ownCounts(g, sc) && row.Approver == No:
			parts = append(parts, "the developer who requested it")
		case ownCounts(g, sc):
			parts = append(parts, "the requester")
		}
	}
	return join(parts, "and")
}

// ownCounts reports whether g would cover a request of one's own in this scope.
func ownCounts(g Grant, sc Scope) bool {
	sc.Own = true
	return covers(g, sc)
}

func ask(p Policy, row Row, code lifecycle.ReasonCode, who []string) string {
	switch {
	case len(who) > 0:
		return "Ask " + join(who, "or")
	case code == lifecycle.CodeProtected && p.listEmpty(row.Protected):
		return listName(row.Protected) + " is empty. Ask the operator of TfPilot to add people to it"
	default:
		return "No one can do this right now. Ask the operator of TfPilot"
	}
}

func (p Policy) listEmpty(l ProtectedList) bool {
	if l == DestroyProdList {
		return len(p.DestroyProdAllowed) == 0
	}
	return len(p.ProdAllowed) == 0
}

// join writes "a", "a or b", "a, b or c".
func join(parts []string, word string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " " + word + " " + parts[last]
}
