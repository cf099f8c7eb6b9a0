package slackapp

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// pageFields is how many fields one view shows. Slack allows a hundred blocks, and the
// rest of the view needs some.
const pageFields = 80

// form is the state of a request modal from one view to the next. It is in
// private_metadata, so that any process can answer. Visible values are in the view's
// state; the form holds only the hidden ones.
type form struct {
	ID           string            `json:"id"`          // of the new request, chosen when the modal opened
	Conversation string            `json:"c,omitempty"` // of the draft that is edited
	Project      string            `json:"p,omitempty"`
	Env          string            `json:"e,omitempty"`
	Module       string            `json:"m,omitempty"`
	Digest       string            `json:"d,omitempty"` // of the module when the form was drawn
	Advanced     bool              `json:"a,omitempty"`
	Page         int               `json:"g,omitempty"`
	Reason       string            `json:"r,omitempty"` // only until it is shown
	Hidden       map[string]string `json:"h,omitempty"` // raw values that were entered or emptied in fields that are not shown
	Filled       []string          `json:"f,omitempty"` // fields that the model filled in
	Note         string            `json:"n,omitempty"` // what the person should know about the prefilling
}

var errTooMuch = errors.New("the values are too long for one form")

// pack writes the form within Slack's limit; long ones are compressed.
func (f form) pack() (string, error) {
	data, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("encode form: %w", err)
	}
	if len(data) <= blocks.MaxMetadata {
		return string(data), nil
	}
	var buf bytes.Buffer
	w, err := flate.NewWriter(&buf, flate.BestCompression)
	if err != nil {
		return "", fmt.Errorf("compress form: %w", err)
	}
	if _, err := w.Write(data); err != nil {
		return "", fmt.Errorf("compress form: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("compress form: %w", err)
	}
	packed := base64.RawStdEncoding.EncodeToString(buf.Bytes())
	if len(packed) > blocks.MaxMetadata {
		return "", errTooMuch
	}
	return packed, nil
}

// maxForm bounds what unpack inflates.
const maxForm = 1 << 20

func unpack(packed string) (form, error) {
	var f form
	data := []byte(packed)
	if !strings.HasPrefix(packed, "{") {
		raw, err := base64.RawStdEncoding.DecodeString(packed)
		if err != nil {
			return f, fmt.Errorf("decode form: %w", err)
		}
		if data, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), maxForm)); err != nil {
			return f, fmt.Errorf("inflate form: %w", err)
		}
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return f, fmt.Errorf("decode form: %w", err)
	}
	return f, nil
}

// visible lists the fields of the form's current page.
func (f form) visible(m *catalog.Module) []catalog.Field {
	all := f.unfolded(m)
	from := min(f.Page*pageFields, len(all))
	return all[from:min(from+pageFields, len(all))]
}

// unfolded lists the fields of all pages.
func (f form) unfolded(m *catalog.Module) []catalog.Field {
	var out []catalog.Field
	for _, field := range m.Fields {
		if !field.Advanced || f.Advanced {
			out = append(out, field)
		}
	}
	return out
}

func (f form) lastPage(m *catalog.Module) bool {
	return (f.Page+1)*pageFields >= len(f.unfolded(m))
}

func hasAdvanced(m *catalog.Module) bool {
	return slices.ContainsFunc(m.Fields, func(f catalog.Field) bool { return f.Advanced })
}

// keep changes the set of visible fields: values that are no longer visible move into
// Hidden, and visible values move from Hidden to the returned values. Both hold only
// touched fields, which include emptied ones.
func (f form) keep(m *catalog.Module, entered map[string]string) (form, map[string]string) {
	all := f.values(entered)
	f.Hidden = map[string]string{}
	now := map[string]string{}
	visible := f.visible(m)
	for k, v := range all {
		if slices.ContainsFunc(visible, func(field catalog.Field) bool { return field.Name == k }) {
			now[k] = v
		} else {
			f.Hidden[k] = v
		}
	}
	return f, now
}

// values joins the visible and the hidden values.
func (f form) values(shown map[string]string) map[string]string {
	all := map[string]string{}
	for k, v := range f.Hidden {
		all[k] = v
	}
	for k, v := range shown {
		all[k] = v
	}
	return all
}
