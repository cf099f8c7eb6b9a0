package workflow

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Env holds the contexts of an expression by dotted name, for example "inputs.request_id" or
// "github.ref". A missing name is empty.
type Env map[string]string

// maxExpr bounds the text of one template; GitHub's own limit is 21,000.
const maxExpr = 21000

var errExpr = errors.New("invalid expression")

// Interpolate replaces every ${{ … }} of a template by its value.
func Interpolate(template string, env Env) (string, error) {
	if len(template) > maxExpr {
		return "", fmt.Errorf("longer than %d characters: %w", maxExpr, errExpr)
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(template, "${{")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		p := &parser{src: rest, env: env}
		v, err := p.or()
		if err != nil {
			return "", err
		}
		if !p.take("}}") {
			return "", fmt.Errorf("at %.20q: %w", p.src[p.pos:], errExpr)
		}
		out.WriteString(v.String())
		template = rest[p.pos:]
	}
}

// exprValue is the value of an expression: a string, a number, a boolean or null.
type exprValue struct {
	kind byte // 's', 'n', 'b', 0 for null
	s    string
}

func (v exprValue) String() string { return v.s }

func (v exprValue) truthy() bool {
	switch v.kind {
	case 'b':
		return v.s == "true"
	case 'n':
		return v.s != "0"
	}
	return v.s != ""
}

func boolean(b bool) exprValue { return exprValue{'b', strconv.FormatBool(b)} }

type parser struct {
	src   string
	pos   int
	depth int
	env   Env
}

func (p *parser) skip() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *parser) take(token string) bool {
	p.skip()
	if strings.HasPrefix(p.src[p.pos:], token) {
		p.pos += len(token)
		return true
	}
	return false
}

func (p *parser) or() (exprValue, error) {
	if p.depth++; p.depth > 50 { // arguments of calls in calls
		return exprValue{}, fmt.Errorf("nested too deep: %w", errExpr)
	}
	defer func() { p.depth-- }()
	left, err := p.and()
	for err == nil && p.take("||") {
		var right exprValue
		if right, err = p.and(); !left.truthy() {
			left = right
		}
	}
	return left, err
}

func (p *parser) and() (exprValue, error) {
	left, err := p.equal()
	for err == nil && p.take("&&") {
		var right exprValue
		if right, err = p.equal(); left.truthy() {
			left = right
		}
	}
	return left, err
}

func (p *parser) equal() (exprValue, error) {
	left, err := p.primary()
	for err == nil && p.take("==") {
		var right exprValue
		right, err = p.primary()
		left = boolean(strings.EqualFold(left.s, right.s))
	}
	return left, err
}

func (p *parser) primary() (exprValue, error) {
	if p.take("'") {
		return p.quoted()
	}
	word := p.word()
	if word == "" {
		return exprValue{}, fmt.Errorf("at %.20q: %w", p.src[p.pos:], errExpr)
	}
	if p.take("(") {
		return p.call(strings.ToLower(word))
	}
	return p.name(word), nil
}

// quoted reads a string literal to its closing quote; two quotes mean one.
func (p *parser) quoted() (exprValue, error) {
	var out strings.Builder
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		p.pos++
		if c != '\'' {
			out.WriteByte(c)
			continue
		}
		if p.pos >= len(p.src) || p.src[p.pos] != '\'' {
			return exprValue{'s', out.String()}, nil
		}
		p.pos++
		out.WriteByte('\'')
	}
	return exprValue{}, fmt.Errorf("unterminated text: %w", errExpr)
}

func (p *parser) word() string {
	start := p.pos
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' {
			break
		}
		p.pos++
	}
	return p.src[start:p.pos]
}

func (p *parser) name(word string) exprValue {
	switch word {
	case "true", "false":
		return exprValue{'b', word}
	case "null":
		return exprValue{}
	}
	if _, err := strconv.ParseFloat(word, 64); err == nil {
		return exprValue{'n', word}
	}
	word = strings.Replace(word, "github.event.inputs.", "inputs.", 1)
	v, ok := p.env[word]
	if !ok {
		return exprValue{}
	}
	if v == "true" || v == "false" {
		return exprValue{'b', v}
	}
	return exprValue{'s', v}
}

func (p *parser) call(name string) (exprValue, error) {
	var args []string
	for !p.take(")") {
		if len(args) > 0 && !p.take(",") {
			return exprValue{}, fmt.Errorf("arguments of %s: %w", name, errExpr)
		}
		v, err := p.or()
		if err != nil {
			return exprValue{}, err
		}
		args = append(args, v.s)
	}
	return apply(name, args)
}

// apply calls a function. The shipped workflows use one.
func apply(name string, args []string) (exprValue, error) {
	if name != "format" || len(args) == 0 {
		return exprValue{}, fmt.Errorf("function %s: %w", name, errExpr)
	}
	out := args[0]
	for i, a := range args[1:] {
		out = strings.ReplaceAll(out, "{"+strconv.Itoa(i)+"}", a)
	}
	return exprValue{'s', out}, nil
}
