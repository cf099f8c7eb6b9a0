package ci

import (
	"slices"
	"strings"
)

// Code of modules and providers runs in the children of a run. They get what they need and
// nothing else: not the tokens of the runner (the one for OIDC would open the apply role to a
// plan), not its files for orders, and no setting that would make Terraform use anything other
// than the code in the tree.

// passed are names that a child sees, and prefixes that end in an underscore.
var passed = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "XDG_CONFIG_HOME", "TMPDIR", "TMP", "TEMP", "TZ", "LANG", "LANGUAGE",
	"LC_",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	"AWS_", // the role that the run took
	"TF_TOKEN_", "TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR",
	"TF_CLI_ARGS_init", // whose backend is compared afterwards
}

// never are names that no workflow file can pass on.
var never = []string{"ACTIONS_", "GITHUB_", "INPUT_", "RUNNER_", "TF_"}

// moreNames is the variable by which a workflow file, which is reviewed, lists what its providers need besides.
const moreNames = "TFPILOT_TERRAFORM_ENV"

// childEnv is the environment of a child, with additions.
func (j *job) childEnv(add ...string) []string {
	more := strings.FieldsFunc(j.env[moreNames], func(r rune) bool { return r == ',' || r == ' ' })
	env := make([]string, 0, len(passed)+len(add))
	for name, value := range j.env {
		if matchesAny(passed, name) || slices.Contains(more, name) && !matchesAny(never, name) {
			env = append(env, name+"="+value)
		}
	}
	slices.Sort(env)
	return append(env, add...)
}

func matchesAny(list []string, name string) bool {
	return slices.ContainsFunc(list, func(one string) bool {
		return name == one || strings.HasSuffix(one, "_") && strings.HasPrefix(name, one)
	})
}
