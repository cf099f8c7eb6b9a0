package github

// Permission is a right of the GitHub App: why it is needed, and what stops without
// it.
type Permission struct {
	Name    string
	Access  string // read or write
	Why     string
	Without string
}

// AppPermissions is all that the App asks for. It never asks for workflows: a
// person commits those.
var AppPermissions = []Permission{
	{"actions", "write", "dispatch the workflows; read their runs, jobs and conclusions",
		"no plan, apply or destroy starts"},
	{"contents", "write", "commit the request's one file to its branch; merge; delete that branch; read the default " +
		"branch", "no request gets a branch"},
	{"pull_requests", "write", "open, comment and close pull requests; read reviews", "no pull request is opened"},
	{"metadata", "read", "GitHub gives it to every App", "the App cannot be installed"},
}

// AppEvents is what the App subscribes to. Each is a hint: sync finds the same.
var AppEvents = []string{"workflow_run", "pull_request", "pull_request_review"}

// Permissions is AppPermissions by name.
var Permissions = func() map[string]string {
	m := map[string]string{}
	for _, p := range AppPermissions {
		m[p.Name] = p.Access
	}
	return m
}()
