package actions

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/tfpilot/tfpilot/internal/sim/github/workflow"
)

// Role is a cloud identity that a job can assume through OIDC.
type Role struct {
	AccessKeyID     string
	SecretAccessKey string
	Repo            string   // owner/name that the trust policy admits; any when empty
	Workflows       []string // base names of the workflow files that the trust policy admits
}

func (r Role) admits(repo, file string) bool {
	if r.Repo != "" && !strings.EqualFold(r.Repo, repo) {
		return false
	}
	for _, w := range r.Workflows {
		if w == filepath.Base(file) {
			return true
		}
	}
	return false
}

// standIns writes a composite action for each action that the workflow uses and returns the flags that
// make act use them. The list comes from the uses: lines, because act ignores a replacement for any
// other ref and would use the network.
func (a *Act) standIns(dir string, job Job, wf *workflow.File) ([]string, error) {
	var flags []string
	seen := map[string]bool{}
	for _, step := range wf.Steps {
		if step.Uses == "" || strings.HasPrefix(step.Uses, "./") || seen[step.Uses] {
			continue
		}
		seen[step.Uses] = true
		text, err := a.standIn(actionName(step.Uses), job, wf)
		if err != nil {
			return nil, fmt.Errorf("step %q: %w", step.Name, err)
		}
		to := filepath.Join(dir, strings.NewReplacer("/", "-", "@", "-").Replace(step.Uses))
		if err := os.MkdirAll(to, 0o700); err != nil {
			return nil, fmt.Errorf("make directory of stand-in: %w", err)
		}
		if err := os.WriteFile(filepath.Join(to, "action.yml"), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("write stand-in: %w", err)
		}
		flags = append(flags, "--local-repository", step.Uses+"="+to)
	}
	return flags, nil
}

// actionName returns owner/name from a uses line, without ref or subdirectory.
func actionName(uses string) string {
	name, _, _ := strings.Cut(uses, "@")
	return strings.Join(strings.SplitN(name, "/", 3)[:2], "/")
}

func (a *Act) standIn(name string, job Job, wf *workflow.File) (string, error) {
	switch name {
	case "actions/checkout":
		return checkoutAction(job), nil
	case "aws-actions/configure-aws-credentials":
		return credentialsAction(a.rolesFor(job, wf)), nil
	case "hashicorp/setup-terraform":
		return terraformAction(a.Terraform), nil
	}
	return "", fmt.Errorf("action %s has no stand-in here", name)
}

// rolesFor returns the roles whose trust policy admits this run: its workflow, from the default
// branch, in a job that may request an OIDC token.
func (a *Act) rolesFor(job Job, wf *workflow.File) map[string]Role {
	out := map[string]Role{}
	for arn, role := range a.Roles {
		if wf.Permissions["id_token"] == "write" && job.Ref == "refs/heads/"+defaultBranch && role.admits(job.Repo, job.Workflow) {
			out[arn] = role
		}
	}
	return out
}

// composite returns an action.yml with one bash step. Inputs reach the script through the environment,
// never through its text.
func composite(name string, inputs [][2]string, script string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\ninputs:\n", name)
	for _, in := range inputs {
		fmt.Fprintf(&b, "  %s:\n    required: false\n    default: %s\n", in[0], in[1])
	}
	b.WriteString("runs:\n  using: composite\n  steps:\n    - shell: bash\n      env:\n")
	for _, in := range inputs {
		env := "IN_" + strings.ToUpper(strings.ReplaceAll(in[0], "-", "_"))
		fmt.Fprintf(&b, "        %s: ${{ inputs.%s }}\n", env, in[0])
	}
	b.WriteString("      run: |\n")
	for line := range strings.Lines(script) {
		b.WriteString("        " + line)
	}
	b.WriteString("\n")
	return b.String()
}

func checkoutAction(job Job) string {
	url := job.CloneURL
	if url == "" {
		url = job.GitDir
	}
	constants := fmt.Sprintf("url=%s\nrepo=%s\n", quote(url), quote(job.Repo))
	return composite("checkout", [][2]string{
		{"repository", `""`}, {"ref", `""`}, {"path", `""`}, {"token", "${{ github.token }}"},
		{"fetch-depth", `"1"`}, {"persist-credentials", `"true"`},
	}, constants+checkoutScript)
}

// checkoutScript does what our workflows need from actions/checkout: fetch one ref or all branches,
// check it out detached, and keep the token only on request.
const checkoutScript = `set -euo pipefail
refuse() { echo "::error::$1"; exit 1; }
case "$IN_PATH" in /*|*..*|-*) refuse "Repository path is not under the workspace" ;; esac
case "$IN_REF" in ''|-*) refuse "The checkout names no ref" ;; esac
if [ -n "$IN_REPOSITORY" ] && [ "$IN_REPOSITORY" != "$repo" ]; then
  url="${url/"$repo"/"$IN_REPOSITORY"}"
fi
mkdir -p "$GITHUB_WORKSPACE/${IN_PATH:-.}"
cd "$GITHUB_WORKSPACE/${IN_PATH:-.}"
git init --quiet --initial-branch=main .
git remote add origin "$url"
case "$url" in
  http://*|https://*)
    scheme="${url%%://*}"; rest="${url#*://}"
    key="http.$scheme://${rest%%/*}/.extraheader"
    header="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$IN_TOKEN" | base64 | tr -d '\n')"
    if [ "$IN_PERSIST_CREDENTIALS" = true ]; then
      git config --local "$key" "$header"
    else
      export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="$key" GIT_CONFIG_VALUE_0="$header"
    fi ;;
esac
if [ "$IN_FETCH_DEPTH" = 0 ]; then
  git fetch --quiet --no-tags origin '+refs/heads/*:refs/remotes/origin/*'
  git fetch --quiet --no-tags origin "$IN_REF"
else
  git fetch --quiet --no-tags --depth="$IN_FETCH_DEPTH" origin "$IN_REF"
fi
git -c advice.detachedHead=false checkout --quiet --force --detach FETCH_HEAD
echo "HEAD is now at $(git rev-parse HEAD)"
`

func credentialsAction(roles map[string]Role) string {
	arns := make([]string, 0, len(roles))
	for arn := range roles {
		arns = append(arns, arn)
	}
	sort.Strings(arns)
	var b strings.Builder
	b.WriteString("set -euo pipefail\ncase \"$IN_ROLE_TO_ASSUME\" in\n")
	for _, arn := range arns {
		fmt.Fprintf(&b, "  %s) id=%s secret=%s ;;\n", quote(arn), quote(roles[arn].AccessKeyID),
			quote(roles[arn].SecretAccessKey))
	}
	b.WriteString(`  *) echo "::error::Could not assume role with OIDC: Not authorized to perform sts:AssumeRoleWithWebIdentity"; exit 1 ;;
esac
echo "::add-mask::$secret"
{
  echo "AWS_ACCESS_KEY_ID=$id"
  echo "AWS_SECRET_ACCESS_KEY=$secret"
  echo "AWS_REGION=$IN_AWS_REGION"
  echo "AWS_DEFAULT_REGION=$IN_AWS_REGION"
} >> "$GITHUB_ENV"
echo "Authenticated as $IN_ROLE_TO_ASSUME"
`)
	return composite("configure-aws-credentials", [][2]string{
		{"aws-region", `""`}, {"role-to-assume", `""`}, {"role-session-name", `""`}, {"role-duration-seconds", `"3600"`},
	}, b.String())
}

func terraformAction(binary string) string {
	script := "set -euo pipefail\nbinary=" + quote(binary) + "\n" + `[ -x "$binary" ] || { echo "::error::Terraform is not installed at $binary"; exit 1; }
mkdir -p "$RUNNER_TEMP/terraform-bin"
ln -sf "$binary" "$RUNNER_TEMP/terraform-bin/terraform"
echo "$RUNNER_TEMP/terraform-bin" >> "$GITHUB_PATH"
echo "Terraform for $IN_TERRAFORM_VERSION is $binary"
`
	return composite("setup-terraform", [][2]string{{"terraform_version", `""`}, {"terraform_wrapper", `"true"`}}, script)
}

// quote quotes a value as one shell word.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
