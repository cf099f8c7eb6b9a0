package bootstrap

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tfpilot/tfpilot/templates"
)

// registry answers as registry.terraform.io does.
func registry(t *testing.T, versions ...string) Registry {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/terraform.json", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"modules.v1":"/v1/modules/","providers.v1":"/v1/providers/"}`)
	})
	mux.HandleFunc("GET /v1/providers/{namespace}/{name}/versions", func(w http.ResponseWriter, r *http.Request) {
		var all []string
		for _, v := range versions {
			all = append(all, fmt.Sprintf(`{"version":%q,"protocols":["5.0"],"platforms":[{"os":"linux","arch":"amd64"}]}`, v))
		}
		_, _ = fmt.Fprintf(w, `{"id":"%s/%s","versions":[%s]}`, r.PathValue("namespace"), r.PathValue("name"),
			strings.Join(all, ","))
	})
	mux.HandleFunc("GET /v1/providers/{namespace}/{name}/{version}/download/linux/amd64",
		func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, `{"shasums_url":"/sums/%s/%s"}`, r.PathValue("name"), r.PathValue("version"))
		})
	mux.HandleFunc("GET /sums/{name}/{version}", func(w http.ResponseWriter, r *http.Request) {
		for i, platform := range []string{"linux_amd64", "darwin_arm64"} {
			_, _ = fmt.Fprintf(w, "%064x  terraform-provider-%s_%s_%s.zip\n", i+1, r.PathValue("name"), r.PathValue("version"),
				platform)
		}
		_, _ = fmt.Fprintf(w, "%064x  manifest.json\n", 9)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return Registry{Client: server.Client(), Base: func(host string) string {
		if host != "registry.terraform.io" {
			t.Errorf("asked %s", host)
		}
		return server.URL
	}}
}

const lockedAWS = `# Written by tfpilot bootstrap. Terraform accepts these providers and no others.

provider "registry.terraform.io/hashicorp/aws" {
  version = "6.4.1"
  hashes  = ["zh:0000000000000000000000000000000000000000000000000000000000000001", "zh:0000000000000000000000000000000000000000000000000000000000000002"]
}
`

// The providers of the shipped modules and roots are fixed to the newest version that
// all of them accept.
func TestLock(t *testing.T) {
	files := map[string][]byte{}
	err := fs.WalkDir(templates.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".tf") {
			return err
		}
		files[name], err = fs.ReadFile(templates.FS, name)
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	locked, err := registry(t, "4.0.0", "6.4.1", "6.10.0-beta1", "7.0.0", "5.9.9").Lock(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lockedAWS, string(RenderLock(locked))); diff != "" {
		t.Errorf("lock file (-want +got):\n%s", diff)
	}
}

func TestRequirements(t *testing.T) {
	for text, want := range map[string]string{
		`random = { source = "hashicorp/random", version = "~> 3.1" }`: "registry.terraform.io/hashicorp/random 3.4.0",
		`random = {}`:              "registry.terraform.io/hashicorp/random 4.0.0",
		`random = ">= 3.0, < 3.3"`: "registry.terraform.io/hashicorp/random 3.1.0",
		`random = { source = "acme/random", version = "> 9" }`:                         "no version matches",
		`random = { source = "a b" }`:                                                  "not a provider's address",
		`terraform = { source = "terraform.io/builtin/terraform" }`:                    "",
		`random = { source = "hashicorp/random", configuration_aliases = [random.a] }`: "registry.terraform.io/hashicorp/random 4.0.0",
	} {
		files := map[string][]byte{"modules/x/versions.tf": []byte("terraform {\n  required_providers {\n" + text +
			"\n  }\n}\n")}
		locked, err := registry(t, "3.1.0", "3.4.0", "4.0.0").Lock(t.Context(), files)
		got := ""
		if err != nil {
			got = err.Error()
		} else if len(locked) == 1 {
			got = locked[0].Source + " " + locked[0].Version
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// A registry that cannot be asked is an error that names it.
func TestLockWithoutRegistry(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	_, err := Registry{Client: server.Client(), Base: func(string) string { return server.URL }}.Lock(t.Context(),
		map[string][]byte{"a.tf": []byte("terraform {\n  required_providers {\n    aws = {}\n  }\n}\n")})
	if err == nil || !strings.Contains(err.Error(), "lock provider registry.terraform.io/hashicorp/aws") {
		t.Errorf("error %v", err)
	}
}
