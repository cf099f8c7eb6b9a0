package ci

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// A card about a failed run shows Terraform's errors and not its whole output. This file extracts
// them, and decides whom a failure concerns: the requester, who can change the request, or the
// platform team, who maintain the environment's other files. Terraform's JSON output names the
// file of an error for most diagnostics; the commands without -json print it in a sentence.
//
// The text is untrusted, because modules and providers write it. It is redacted before it is
// shown, and it never decides more than the code of a failure.

// diagnostic is one of Terraform's errors in the output of -json.
type diagnostic struct {
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	Address  string `json:"address"`
	Range    *struct {
		Filename string `json:"filename"`
		Start    struct {
			Line int `json:"line"`
		} `json:"start"`
	} `json:"range"`
}

// line is one line in the output of a command with -json.
type uiLine struct {
	Message    string      `json:"@message"`
	Level      string      `json:"@level"`
	Type       string      `json:"type"`
	Diagnostic *diagnostic `json:"diagnostic"`
}

// uiLines reads the end of the saved output of a command with -json. Lines that are not JSON,
// such as a crash, become messages.
func (j *job) uiLines(name string) ([]uiLine, error) {
	data, err := j.readEnd(name)
	if err != nil {
		return nil, err
	}
	var out []uiLine
	for text := range bytes.Lines(data) {
		var l uiLine
		if err := json.Unmarshal(text, &l); err != nil {
			l = uiLine{Message: strings.TrimRight(string(text), "\r\n"), Level: "error"}
		}
		out = append(out, l)
	}
	return out, nil
}

// maxErrLines limits the lines of standard error that are added to Terraform's diagnostics.
const maxErrLines = 30

// terraformFailed converts the saved output of a failed command with -json into a refusal:
// Terraform's own text, and whether the error is in the request or in another file.
func (j *job) terraformFailed(name, what string) error {
	lines, err := j.uiLines(name)
	if err != nil {
		return err
	}
	errs, err := j.readEnd(errFile(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var text strings.Builder
	code := lifecycle.CodeTerraformFailed
	for _, l := range lines {
		switch {
		case l.Diagnostic != nil && l.Diagnostic.Severity == "error":
			if l.Diagnostic.Range != nil && !j.ownFile(l.Diagnostic.Range.Filename) {
				code = lifecycle.CodeEnvironmentBroken
			}
			text.WriteString(l.Diagnostic.words())
		case l.Diagnostic == nil && l.Type == "" && l.Level == "error":
			text.WriteString(l.Message + "\n")
		}
	}
	text.WriteString("\n" + lastLines(string(errs), maxErrLines)) // a crash, or a warning that explains the rest
	return j.failureOf(code, what, strings.TrimSpace(text.String()))
}

// words writes a diagnostic in the order in which Terraform prints it at a terminal, which is
// what people paste into a search engine.
func (d *diagnostic) words() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Error: %s\n", d.Summary)
	if d.Address != "" {
		fmt.Fprintf(&b, "  with %s\n", d.Address)
	}
	if d.Range != nil {
		fmt.Fprintf(&b, "  on %s line %d\n", d.Range.Filename, d.Range.Start.Line)
	}
	if d.Detail != "" {
		b.WriteString(d.Detail + "\n")
	}
	return b.String() + "\n"
}

// onFile matches the file positions in the text of an error.
var onFile = regexp.MustCompile(`(?m)^[│|\s]*on (\S+) line \d+|\bat (\S+\.tf):\d+`)

// terraformText is terraformFailed for commands without -json.
func (j *job) terraformText(name, what string) error {
	data, err := j.readEnd(errFile(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		if data, err = j.readEnd(name); err != nil {
			return err
		}
	}
	text := string(data)
	code := lifecycle.CodeTerraformFailed
	for _, m := range onFile.FindAllStringSubmatch(text, -1) {
		if !j.ownFile(m[1] + m[2]) {
			code = lifecycle.CodeEnvironmentBroken
		}
	}
	if at := strings.Index(text, "Error:"); at >= 0 {
		text = text[at:]
	}
	return j.failureOf(code, what, strings.TrimSpace(text))
}

// ownFile reports whether an error is in the request's file or in the module that it calls.
func (j *job) ownFile(name string) bool {
	if name == "" || path.Base(name) == path.Base(j.in.Path) {
		return true
	}
	return j.in.Path != "" && strings.HasPrefix(path.Clean(name)+"/", j.moduleSource()+"/")
}

// moduleSource is the directory that the request's file calls, relative to the root.
func (j *job) moduleSource() string {
	content, err := j.rootFile(path.Base(j.in.Path))
	if err != nil {
		return "\x00" // no directory
	}
	if m := sourceRE.FindSubmatch(content); m != nil {
		return string(m[1])
	}
	return "\x00"
}

var sourceRE = regexp.MustCompile(`(?m)^\s*source\s*=\s*"(\.\./\.\./\.\./modules/[a-z][a-z0-9-]*)"\s*$`)
