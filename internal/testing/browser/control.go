package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// In limits the search to an element of a role and name, such as a dialog or a region.
func (p *Page) In(role, name string) *Page {
	return &Page{t: p.t, ctx: p.ctx, Patience: p.Patience, role: role, scope: name}
}

// node is one element as assistive technology sees it.
type node struct {
	id       cdp.BackendNodeID
	role     string
	name     string
	disabled bool
}

// find lists the elements of a role whose name matches. A trailing … matches the start of a name, and
// an empty name matches all.
func (p *Page) find(ctx context.Context, tab *chromedp.Target, role, name string) ([]node, error) {
	under, err := p.root(ctx, tab)
	if err != nil {
		return nil, err
	}
	return query(ctx, tab, under, role, name)
}

func (p *Page) root(ctx context.Context, tab *chromedp.Target) (cdp.BackendNodeID, error) {
	doc, err := document(ctx, tab)
	if err != nil || p.role == "" {
		return doc, err
	}
	found, err := query(ctx, tab, doc, p.role, p.scope)
	if err != nil || len(found) == 0 {
		return 0, fmt.Errorf("no %s %q: %w", p.role, p.scope, err)
	}
	return found[len(found)-1].id, nil
}

func document(ctx context.Context, tab *chromedp.Target) (cdp.BackendNodeID, error) {
	res, err := cdp.Call(ctx, tab, dom.GetDocument, dom.GetDocumentParams{})
	if err != nil {
		return 0, err
	}
	return res.Root.BackendNodeID, nil
}

func query(ctx context.Context, tab *chromedp.Target, under cdp.BackendNodeID, role, name string) ([]node, error) {
	ask := accessibility.QueryAXTreeParams{BackendNodeID: under, Role: role}
	begins, open := strings.CutSuffix(name, "…")
	if !open {
		ask.AccessibleName = name
	}
	all, err := cdp.Call(ctx, tab, accessibility.QueryAXTree, ask)
	if err != nil {
		return nil, err
	}
	var found []node
	for _, ax := range all.Nodes {
		n := node{id: ax.BackendDOMNodeID, role: valueText(ax.Role), name: valueText(ax.Name)}
		for _, prop := range ax.Properties {
			n.disabled = n.disabled || prop.Name == accessibility.PropertyNameDisabled && string(prop.Value.Value) == "true"
		}
		if !ax.Ignored && (!open || strings.HasPrefix(n.name, begins)) {
			found = append(found, n)
		}
	}
	return found, nil
}

func valueText(v *accessibility.Value) string {
	var s string
	if v != nil {
		_ = json.Unmarshal(v.Value, &s) // a value that is not a string has no name
	}
	return s
}

// await waits for an enabled element that can be used, and uses it.
func (p *Page) await(what string, role, name string, use func(context.Context, *chromedp.Target, node) error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, p.Patience)
	defer cancel()
	var last error
	err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		for {
			found, err := p.find(ctx, tab, role, name)
			if err == nil && len(found) == 0 {
				err = errors.New("not found")
			}
			for _, n := range slices.Backward(found) {
				if n.disabled {
					err = fmt.Errorf("it is disabled")
					continue
				}
				if err = use(ctx, tab, n); err == nil {
					return nil
				}
			}
			if ctx.Err() == nil {
				last = err // an error of the deadline says nothing
			}
			select {
			case <-ctx.Done():
				return last
			case <-time.After(60 * time.Millisecond):
			}
		}
	}))
	if err != nil {
		p.t.Fatalf("%s %s %q: %v\n%s", what, role, name, last, p.Outline())
	}
}

// Click clicks an element with the mouse where a person sees it.
func (p *Page) Click(role, name string) {
	p.t.Helper()
	p.await("click", role, name, press)
}

// press clicks the center of an element, unless another element covers it.
func press(ctx context.Context, tab *chromedp.Target, n node) error {
	if _, err := cdp.Call(ctx, tab, dom.ScrollIntoViewIfNeeded,
		dom.ScrollIntoViewIfNeededParams{BackendNodeID: n.id}); err != nil {
		return err
	}
	res, err := cdp.Call(ctx, tab, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: n.id})
	if err != nil {
		return err
	}
	if len(res.Quads) == 0 || len(res.Quads[0]) < 8 {
		return errors.New("it is not shown")
	}
	q := res.Quads[0]
	x, y := (q[0]+q[2]+q[4]+q[6])/4, (q[1]+q[3]+q[5]+q[7])/4
	if err := onTop(ctx, tab, n, x, y); err != nil {
		return err
	}
	for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed,
		input.DispatchMouseEventTypeMouseReleased} {
		event := input.DispatchMouseEventParams{Type: kind, X: x, Y: y, Button: input.MouseButtonLeft, ClickCount: 1}
		if _, err := cdp.Call(ctx, tab, input.DispatchMouseEvent, event); err != nil {
			return err
		}
	}
	return nil
}

// onTop checks that a click at the point reaches the element, or its label.
func onTop(ctx context.Context, tab *chromedp.Target, n node, x, y float64) error {
	var covered string
	err := call(ctx, tab, n, fmt.Sprintf(`function () {
		const at = document.elementFromPoint(%f, %f);
		if (!at) return "outside of the window";
		const ours = this.contains(at) || at.contains(this) && at.closest("label") || [...(this.labels || [])].some((l) => l.contains(at));
		return ours ? "" : "covered by " + at.tagName + "." + at.className;
	}`, x, y), &covered)
	if err != nil || covered == "" {
		return err
	}
	return errors.New(covered)
}

// call runs a function with the element as this.
func call(ctx context.Context, tab *chromedp.Target, n node, function string, into any) error {
	found, err := cdp.Call(ctx, tab, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: n.id})
	if err != nil {
		return err
	}
	yes := true
	res, err := cdp.Call(ctx, tab, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		FunctionDeclaration: function, ObjectID: found.Object.ObjectID, ReturnByValue: &yes,
	})
	switch {
	case err != nil:
		return err
	case res.ExceptionDetails != nil:
		return errors.New(thrown(res.ExceptionDetails))
	case into == nil:
		return nil
	}
	return json.Unmarshal(res.Result.Value, into)
}

// Type clicks a field and replaces its content.
func (p *Page) Type(name, content string) {
	p.t.Helper()
	p.TypeInto("textbox", name, content)
}

// TypeInto is Type for a field of another role: combobox.
func (p *Page) TypeInto(role, name, content string) {
	p.t.Helper()
	p.await("type into", role, name, func(ctx context.Context, tab *chromedp.Target, n node) error {
		if err := press(ctx, tab, n); err != nil {
			return err
		}
		if err := call(ctx, tab, n, `function () { this.select(); }`, nil); err != nil {
			return err
		}
		if content == "" {
			_, err := chromedp.KeyEvent(kb.Delete)(ctx, tab)
			return err
		}
		_, err := cdp.Call(ctx, tab, input.InsertText, input.InsertTextParams{Text: content})
		return err
	})
}

// Choose selects an option of a native menu by its text. The open list is drawn outside the page,
// where no event reaches it, so Choose sets the value directly.
func (p *Page) Choose(name, option string) {
	p.t.Helper()
	p.await("choose "+option+" in", "combobox", name, func(ctx context.Context, tab *chromedp.Target, n node) error {
		var known bool
		script := fmt.Sprintf(`function () {
			const o = [...(this.options || [])].find((o) => o.text === %[1]q && !o.disabled);
			if (!o) return false;
			this.focus();
			if (!o.selected) {
				o.selected = true;
				this.dispatchEvent(new Event("input", {bubbles: true}));
				this.dispatchEvent(new Event("change", {bubbles: true}));
			}
			return true;
		}`, option)
		if err := call(ctx, tab, n, script, &known); err != nil {
			return err
		}
		if !known {
			return fmt.Errorf("it has no option %q", option)
		}
		return nil
	})
}

// Press sends keys to the focused element; kb names the special ones.
func (p *Page) Press(keys string) {
	p.t.Helper()
	p.steps("press keys", chromedp.KeyEvent(keys))
}

// See waits for an element of a role and name.
func (p *Page) See(role, name string) {
	p.t.Helper()
	p.await("see", role, name, func(context.Context, *chromedp.Target, node) error { return nil })
}

// Gone waits until there is no such element.
func (p *Page) Gone(role, name string) {
	p.t.Helper()
	p.until(fmt.Sprintf("%s %q to go", role, name), func(ctx context.Context, tab *chromedp.Target) (bool, error) {
		found, err := p.find(ctx, tab, role, name)
		return err == nil && len(found) == 0, err
	})
}

// Read waits until the window, or the part that is searched, shows a text.
func (p *Page) Read(words string) {
	p.t.Helper()
	p.until(fmt.Sprintf("text %q", words), func(ctx context.Context, tab *chromedp.Target) (bool, error) {
		shown, err := p.visibleText(ctx, tab)
		return strings.Contains(shown, words), err
	})
}

// Unread waits until it does not show a text.
func (p *Page) Unread(words string) {
	p.t.Helper()
	p.until(fmt.Sprintf("no text %q", words), func(ctx context.Context, tab *chromedp.Target) (bool, error) {
		shown, err := p.visibleText(ctx, tab)
		return err == nil && !strings.Contains(shown, words), err
	})
}

func (p *Page) visibleText(ctx context.Context, tab *chromedp.Target) (string, error) {
	id, err := p.root(ctx, tab)
	if err != nil {
		return "", err
	}
	var shown string
	err = call(ctx, tab, node{id: id}, `function () { return (this.body || this).innerText; }`, &shown)
	return shown, err
}

func (p *Page) until(what string, holds func(context.Context, *chromedp.Target) (bool, error)) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, p.Patience)
	defer cancel()
	err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		for {
			ok, err := holds(ctx, tab)
			if ok {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("failed (%v)", err)
			case <-time.After(60 * time.Millisecond):
			}
		}
	}))
	if err != nil {
		p.t.Fatalf("wait for %s: %v\n%s", what, err, p.Outline())
	}
}

// Focus waits until an element of a role and name has the focus.
func (p *Page) Focus(role, name string) {
	p.t.Helper()
	p.until(fmt.Sprintf("the focus on %s %q", role, name), func(ctx context.Context, tab *chromedp.Target) (bool, error) {
		at, err := cdp.Call(ctx, tab, runtime.Evaluate, runtime.EvaluateParams{Expression: "document.activeElement"})
		if err != nil {
			return false, err
		}
		relatives := false
		tree, err := cdp.Call(ctx, tab, accessibility.GetPartialAXTree,
			accessibility.GetPartialAXTreeParams{ObjectID: at.Result.ObjectID, FetchRelatives: &relatives})
		if err != nil || len(tree.Nodes) == 0 {
			return false, err
		}
		n := tree.Nodes[0]
		return valueText(n.Role) == role && valueText(n.Name) == name,
			fmt.Errorf("it is on %s %q", valueText(n.Role), valueText(n.Name))
	})
}

// named lists the roles in an outline.
var named = []string{"button", "link", "textbox", "combobox", "radio", "checkbox", "tab", "menuitem", "option",
	"dialog", "heading", "alert"}

// Outline lists the available controls, for the message of a failed test.
func (p *Page) Outline() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	var out []string
	_ = chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		doc, err := document(ctx, tab)
		if err != nil {
			return err
		}
		for _, role := range named {
			found, err := query(ctx, tab, doc, role, "")
			if err != nil {
				return err
			}
			for _, n := range found {
				out = append(out, fmt.Sprintf("  %s %q", n.role, n.name))
			}
		}
		return nil
	}))
	if len(out) > 80 {
		out = append(out[:80], "  …")
	}
	return "there are:\n" + strings.Join(out, "\n")
}

// Unnamed lists the controls without an accessible name.
func (p *Page) Unnamed() []string {
	p.t.Helper()
	var out []string
	p.do("look for unnamed controls", func(ctx context.Context, tab *chromedp.Target) error {
		doc, err := document(ctx, tab)
		if err != nil {
			return err
		}
		for _, role := range []string{"button", "link", "textbox", "combobox", "radio", "checkbox", "tab", "dialog",
			"image"} {
			found, err := query(ctx, tab, doc, role, "")
			if err != nil {
				return err
			}
			for _, n := range found {
				if strings.TrimSpace(n.name) == "" {
					out = append(out, role)
				}
			}
		}
		return nil
	})
	return out
}
