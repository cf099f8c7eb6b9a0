package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
)

// edits lists the changes within a node: the ones of its topmost parts that can change, each with the
// changes within itself.
func (c *changer) edits(n ast.Node) []edit {
	var found []edit
	c.mark(n)
	ast.Inspect(n, func(x ast.Node) bool {
		if x == nil || x == n {
			return true
		}
		c.mark(x)
		switch x := x.(type) {
		case *ast.GenDecl:
			return x.Tok == token.VAR // constants never change
		case ast.Expr:
			if text, ok := c.expr(x); ok {
				found = append(found, edit{c.at(x.Pos()), c.at(x.End()), text})
				return false
			}
		case ast.Stmt:
			if text, ok := c.stmt(x); ok {
				found = append(found, edit{c.at(x.Pos()), c.at(x.End()), text})
				return false
			}
		}
		return true
	})
	return found
}

// mark records the conditions of an if or a case, and the statements that can be left out.
func (c *changer) mark(n ast.Node) {
	switch x := n.(type) {
	case *ast.BlockStmt:
		c.markAll(x.List)
	case *ast.CaseClause:
		c.markAll(x.Body)
	case *ast.CommClause:
		c.markAll(x.Body)
	case *ast.IfStmt:
		c.conds[x.Cond] = true
	case *ast.SwitchStmt:
		if x.Tag != nil {
			return
		}
		for _, s := range x.Body.List {
			for _, e := range s.(*ast.CaseClause).List {
				c.conds[e] = true
			}
		}
	}
}

func (c *changer) markAll(list []ast.Stmt) {
	for _, s := range list {
		c.whole[s] = true
	}
}

var boundaries = map[token.Token]token.Token{token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ,
	token.GEQ: token.GTR}

// expr returns an expression with its changes.
func (c *changer) expr(x ast.Expr) (string, bool) {
	b, ok := x.(*ast.BinaryExpr)
	switch {
	case ok && (b.Op == token.LAND || b.Op == token.LOR):
		return c.logical(b), true
	case ok && (b.Op == token.EQL || b.Op == token.NEQ || boundaries[b.Op] != 0):
		return c.comparison(b), true
	case c.conds[x]:
		id := c.note("negate", c.text(x))
		return fmt.Sprintf("((%s) != %s)", c.inner(x), c.switched(id)), true
	case isBool(x):
		id := c.note("negate", c.text(x))
		return fmt.Sprintf("(%s != %s)", c.text(x), c.switched(id)), true
	default:
		return "", false
	}
}

func isBool(x ast.Expr) bool {
	name, ok := x.(*ast.Ident)
	return ok && (name.Name == "true" || name.Name == "false")
}

// logical removes one side or swaps the operator.
func (c *changer) logical(b *ast.BinaryExpr) string {
	left, right := c.part(b.X), c.part(b.Y)
	noLeft := c.note("drop", c.text(b.X)+" "+b.Op.String())
	noRight := c.note("drop", b.Op.String()+" "+c.text(b.Y))
	swap := c.note("swap "+b.Op.String(), c.text(b))
	other, neutral := token.LOR, "||"
	if b.Op == token.LOR {
		other, neutral = token.LAND, "&& !"
	}
	// For "and", a removed side counts as true; for "or", as false.
	without := func(side string, id int) string { return fmt.Sprintf("(%s %s%s)", side, neutral, c.switched(id)) }
	return fmt.Sprintf("func() bool { if %s { return %s %s %s }; return %s %s %s }()",
		c.switched(swap), left, other, right, without(left, noLeft), b.Op, without(right, noRight))
}

// comparison negates a comparison, or moves its boundary by one.
func (c *changer) comparison(b *ast.BinaryExpr) string {
	id := c.note("negate", c.text(b))
	left, right := c.part(b.X), c.part(b.Y)
	plain := fmt.Sprintf("((%s %s %s) != %s)", left, b.Op, right, c.switched(id))
	moved, ok := boundaries[b.Op]
	if !ok {
		return plain
	}
	edge := c.note(fmt.Sprintf("%s becomes %s:", b.Op, moved), c.text(b))
	return fmt.Sprintf("func() bool { if %s { return %s %s %s }; return %s }()", c.switched(edge), left, moved, right,
		plain)
}

// part returns an operand with its changes.
func (c *changer) part(x ast.Expr) string {
	if text, ok := c.expr(x); ok {
		return text
	}
	return c.inner(x)
}

// stmt returns a statement with its changes: left out, or returning nothing.
func (c *changer) stmt(s ast.Stmt) (string, bool) {
	if !c.whole[s] {
		return "", false
	}
	switch x := s.(type) {
	case *ast.AssignStmt:
		if x.Tok == token.DEFINE {
			return "", false
		}
	case *ast.ExprStmt, *ast.IncDecStmt:
	case *ast.ReturnStmt:
		if len(x.Results) != 1 || !refuses(x.Results[0]) {
			return "", false
		}
		id := c.note("return nil instead of", c.text(x.Results[0]))
		return fmt.Sprintf("if %s { return nil }; %s", c.switched(id), c.inner(s)), true
	default:
		return "", false
	}
	id := c.note("leave out", c.text(s))
	return fmt.Sprintf("if !%s { %s }", c.switched(id), c.inner(s)), true
}

// refusals are the functions that make a refusal.
var refusals = []string{
	"refuse", "objected", "working", "pullMatches", "sameRound", // of lifecycle and ci
	"denied", "conflict", "invalid", "unconfirmed", "otherPlan", "notFound", "archived", "unavailable", // of request
}

// refuses reports whether an expression returns a refusal or an error.
func refuses(x ast.Expr) bool {
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return false
	}
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return slices.Contains(refusals, f.Name)
	case *ast.SelectorExpr:
		pkg, ok := f.X.(*ast.Ident)
		return ok && (pkg.Name == "errors" || pkg.Name == "fmt" && f.Sel.Name == "Errorf")
	default:
		return false
	}
}
