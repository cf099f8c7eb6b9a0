package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/tfpilot/tfpilot/internal/sandbox/toolchain"
	"github.com/tfpilot/tfpilot/internal/testing/golden"
)

// expressionFile holds expressions and what Terraform makes of them: one a line, a tab between.
const expressionFile = "testdata/expressions.txt"

type expression struct{ text, result string }

func expressions(t *testing.T) []expression {
	t.Helper()
	content, err := os.ReadFile(expressionFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []expression
	for line := range strings.Lines(string(content)) {
		text, result, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		all = append(all, expression{text, result})
	}
	return all
}

// tried is an expression whose result is a text in any case: its value as JSON, or error.
func tried(expr string) string { return `nonsensitive(try(jsonencode([` + expr + `]), "error"))` }

// TestExpressionsMeanWhatTheyMeanToTerraform compares the catalog's functions and operators with Terraform's answers.
func TestExpressionsMeanWhatTheyMeanToTerraform(t *testing.T) {
	for _, e := range expressions(t) {
		expr, diags := hclsyntax.ParseExpression([]byte(tried(e.text)), "expression", hcl.InitialPos)
		if diags.HasErrors() {
			t.Errorf("%s: %s", e.text, diags)
			continue
		}
		evaluateBothSides(expr)
		got, diags := expr.Value(&hcl.EvalContext{Functions: functions})
		got, _ = got.Unmark()
		if diags.HasErrors() || !got.RawEquals(cty.StringVal(e.result)) {
			t.Errorf("%s is %#v, in Terraform %s %s", e.text, got, e.result, diags)
		}
	}
}

// TestTerraformStillAnswersSo asks the real Terraform again, with -update for new expressions too.
func TestTerraformStillAnswersSo(t *testing.T) {
	all := expressions(t)
	texts := make([]string, len(all))
	for i, e := range all {
		texts[i] = tried(e.text)
	}
	answer := askTerraform(t, "["+strings.Join(texts, ", ")+"]\n", "console", "-no-color")
	expr, diags := hclsyntax.ParseExpression(answer, "answer", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%s\n%s", diags, answer)
	}
	list, diags := expr.Value(nil)
	if diags.HasErrors() || list.LengthInt() != len(all) {
		t.Fatalf("%s, %d answers to %d expressions", diags, list.LengthInt(), len(all))
	}
	var now strings.Builder
	for i, e := range all {
		result := list.Index(cty.NumberIntVal(int64(i))).AsString()
		now.WriteString(e.text + "\t" + result + "\n")
	}
	golden.Check(t, "testdata/"+filepath.Base(expressionFile), now.String())
}

// TestEveryFunctionOfTerraformIsKnownOrLeftToThePlan compares the names.
func TestEveryFunctionOfTerraformIsKnownOrLeftToThePlan(t *testing.T) {
	var answer struct {
		Functions map[string]any `json:"function_signatures"`
	}
	if err := json.Unmarshal(askTerraform(t, "", "metadata", "functions", "-json"), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Functions) < 100 {
		t.Fatalf("Terraform names only %d functions", len(answer.Functions))
	}
	for name := range answer.Functions {
		_, known := functions[name]
		if known == slices.Contains(planOnly, strings.TrimPrefix(name, "core::")) {
			t.Errorf("%s: known %t, left to the plan %t", name, known, !known)
		}
	}
	for name := range functions {
		if _, real := answer.Functions[name]; !real {
			t.Errorf("Terraform has no function %s", name)
		}
	}
}

// TestSandboxRunsTheTerraformThatTheCatalogSpeaks: change both together, and record the answers again.
func TestSandboxRunsTheTerraformThatTheCatalogSpeaks(t *testing.T) {
	if toolchain.PinnedTerraform != TerraformVersion {
		t.Errorf("the sandbox fetches Terraform %s, bootstrap writes %s into workflows", toolchain.PinnedTerraform,
			TerraformVersion)
	}
}

// askTerraform runs the Terraform that runs use, in an empty directory.
func askTerraform(t *testing.T, stdin string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tool, err := toolchain.Finder{}.Terraform(ctx)
	if err == nil && tool.Version != TerraformVersion { // another version is on PATH: download the one that runs use
		tool, err = toolchain.Finder{Path: t.TempDir()}.Terraform(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(ctx, tool.Path, args...)
	command.Dir, command.Stdin = t.TempDir(), strings.NewReader(stdin)
	command.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE=/dev/null")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	answer, err := command.Output()
	if err != nil {
		t.Fatalf("terraform %s: %s\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return answer
}
