package ci

import (
	"slices"
	"strings"
)

// Module and provider code runs in the child processes of a run. A child gets only what it
// needs. It does not get the runner's tokens (the OIDC token would give a plan the apply role),
// the runner's command files, or any setting that makes Terraform use code other than the
// tree's.

// passed lists variables that a child gets, and prefixes, which end in an underscore.
var passed = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "XDG_CONFIG_HOME", "TMPDIR", "TMP", "TEMP", "TZ", "LANG", "LANGUAGE",
	"LC_",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	"AWS_", // the role that the run took
	"TF_TOKEN_", "TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR",
	"TF_CLI_ARGS_init", // whose backend is compared afterwards
}

// never lists variables that no workflow file can pass on.
var never = []string{"ACTIONS_", "GITHUB_", "INPUT_", "RUNNER_", "TF_"}

// moreNames is the variable in which a workflow file, which is reviewed, lists additional
// variables that its providers need.
const moreNames = "TFPILOT_TERRAFORM_ENV"

// childEnv returns the environment of a child process, with additions.
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
