package config

// onlyFor lists the variables that only one of the two long-running processes uses. The other one does
// not read them, so that it holds no credential that it could lose: the app calls GitHub for nothing; the
// worker opens no socket to Slack and asks no model. manifests/base hands them out the same way.
var onlyFor = map[string]Process{
	"SLACK_APP_TOKEN": App, "OPENAI_API_KEY": App,
	"GITHUB_APP_ID": Worker, "GITHUB_APP_INSTALLATION_ID": Worker, "GITHUB_APP_PRIVATE_KEY": Worker,
	"GITHUB_TOKEN": Worker,
}

// usedBy reports whether p uses v. Commands use everything.
func (v Variable) usedBy(p Process) bool {
	only, restricted := onlyFor[v.Name]
	return !restricted || p == only || p != App && p != Worker
}
