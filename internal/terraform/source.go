package terraform

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// The code of an environment may use code from elsewhere. This file lists what it uses and
// refuses what could change without a commit in the repository: an approval would then cover text
// whose meaning another person can change. Terraform accepts many kinds of sources (HTTP
// archives, S3 buckets, Mercurial); only two can be pinned, a Git commit and an exact version of
// a registry.

// Sources lists the code and data outside of a directory that its code uses.
type Sources struct {
	Local   []string          // sources of modules in the repository, as written: ./x or ../x
	Remote  map[string]string // source by the name of the call: a git commit, or an exact version of a registry
	Climbs  []string          // texts that climb out of the directory: ../shared/policy.json
	Modules []string          // ids of the requests whose modules the code refers to
}

// ReadSources reads the .tf files of one directory, by name. Code from outside the repository
// must be pinned, so that the same text means the same code tomorrow.
func ReadSources(files map[string][]byte) (Sources, error) {
	s := Sources{Remote: map[string]string{}}
	versions := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		parsed, diags := hclsyntax.ParseConfig(files[name], name, hcl.InitialPos)
		if diags.HasErrors() {
			return s, fmt.Errorf("parse: %w", diags)
		}
		body := parsed.Body.(*hclsyntax.Body)
		s.addTexts(body)
		for _, block := range body.Blocks {
			if block.Type != "module" || len(block.Labels) != 1 {
				continue
			}
			if err := s.addCall(name, block, versions); err != nil {
				return s, err
			}
		}
	}
	for call, source := range s.Remote {
		if err := checkPinned(call, source, versions[call]); err != nil {
			return s, err
		}
	}
	slices.Sort(s.Climbs) // a body gives its attributes in no order
	slices.Sort(s.Modules)
	return s, nil
}

// addCall records the source of one module call. Terraform requires literals for both arguments.
func (s *Sources) addCall(file string, block *hclsyntax.Block, versions map[string]string) error {
	call := block.Labels[0]
	source, err := literalText(file, call, block, "source")
	if err != nil {
		return err
	}
	version, err := literalText(file, call, block, "version")
	if err != nil {
		return err
	}
	if version != "" {
		versions[call] = version // an override may set it alone
	}
	switch {
	case source == "": // an override that changes inputs only; Terraform refuses any other
	case strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../"):
		s.Local = append(s.Local, source)
	case path.IsAbs(source) || strings.Contains(source, "\\"):
		return fmt.Errorf("%s: module %q comes from %q, a path of one machine; use a directory of this repository", file,
			call, source)
	default:
		s.Remote[call] = source
	}
	return nil
}

func literalText(file, call string, block *hclsyntax.Block, name string) (string, error) {
	attr := block.Body.Attributes[name]
	if attr == nil {
		return "", nil
	}
	value, diags := attr.Expr.Value(nil)
	if diags.HasErrors() || value.IsNull() || !value.IsKnown() || value.Type() != cty.String {
		return "", fmt.Errorf("%s: the %s of module %q is not a literal text", file, name, call)
	}
	return value.AsString(), nil
}

var (
	// A registry source is [host/]namespace/name/provider. Git sources are those that Terraform
	// recognizes without a scheme, or with git::.
	registrySource = regexp.MustCompile(`^([A-Za-z0-9.-]+(:[0-9]+)?/)?[A-Za-z0-9_-]+/[A-Za-z0-9_-]+/[a-z0-9]+(//.+)?$`)
	gitSource      = regexp.MustCompile(`^(git::|github\.com/|bitbucket\.org/|git@)`)
	exactVersion   = regexp.MustCompile(`^\s*=?\s*[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?\s*$`)
)

// checkPinned accepts a git source only with a full commit id and no other parameter that
// selects a revision, and a registry module only with one exact version.
func checkPinned(call, source, version string) error {
	if gitSource.MatchString(source) {
		_, query, _ := strings.Cut(source, "?")
		// A tag or a branch can be moved to another commit, so only a full commit id is fixed.
		values, err := url.ParseQuery(query)
		if err != nil || len(values) != 1 || len(values["ref"]) != 1 || !lifecycle.NameCommit.Valid(values.Get("ref")) {
			return fmt.Errorf("module %q comes from %q, which may change; end its source in ?ref= and the 40 digits of a "+
				"commit, and nothing else", call, source)
		}
		return nil
	}
	if registrySource.MatchString(source) {
		if !exactVersion.MatchString(version) {
			return fmt.Errorf("module %q comes from the registry module %q with version %q; name one exact version such "+
				"as 1.2.3", call, source, version)
		}
		return nil
	}
	return fmt.Errorf("module %q comes from %q, which cannot be pinned; use a git source with ?ref= and a commit, "+
		"or a directory of this repository", call, source)
}

// climb matches paths that lead out of the directory: in a command, or after ${path.module}.
var climb = regexp.MustCompile(`[^\s"'` + "`" + `;|&()<>=,]*\.\.[^\s"'` + "`" + `;|&()<>=,]*`)

// addTexts collects the paths that lead out of the directory, and the request modules that the
// code refers to.
func (s *Sources) addTexts(body *hclsyntax.Body) {
	_ = hclsyntax.VisitAll(body, func(node hclsyntax.Node) hcl.Diagnostics { // visit reports nothing
		switch e := node.(type) {
		case *hclsyntax.LiteralValueExpr:
			if e.Val.IsKnown() && !e.Val.IsNull() && e.Val.Type() == cty.String {
				s.addClimbs(e.Val.AsString())
			}
		case *hclsyntax.ScopeTraversalExpr:
			if len(e.Traversal) > 1 && e.Traversal.RootName() == "module" {
				call, isName := e.Traversal[1].(hcl.TraverseAttr)
				if id, ours := strings.CutPrefix(call.Name, lifecycle.ModuleCall("")); isName && ours &&
					lifecycle.NameRequest.Valid(id) {
					s.Modules = append(s.Modules, id)
				}
			}
		}
		return nil
	})
}

// addClimbs collects whole paths. Two dots inside a name, as in a..b, do not climb.
func (s *Sources) addClimbs(text string) {
	for _, one := range climb.FindAllString(text, -1) {
		if slices.Contains(strings.Split(one, "/"), "..") && !slices.Contains(s.Climbs, one) {
			s.Climbs = append(s.Climbs, one)
		}
	}
}

// Generated returns the id of the request whose generated file has this name.
func Generated(name string) (id string, ok bool) {
	id, ok = strings.CutPrefix(strings.TrimSuffix(name, ".tf"), lifecycle.ModuleCall(""))
	return id, ok && strings.HasSuffix(name, ".tf") && lifecycle.NameRequest.Valid(id)
}

// CheckGenerated checks that a file with a request's name contains exactly what TfPilot
// generates.
func CheckGenerated(name string, content []byte) error {
	id, ok := Generated(name)
	if !ok {
		return fmt.Errorf("%s is not the name of a request's file", name)
	}
	f, err := Parse(content)
	if err != nil {
		return fmt.Errorf("%s is not as TfPilot writes it: %w", name, err)
	}
	if f.RequestID != id {
		return fmt.Errorf("%s holds the module of %s", name, f.RequestID)
	}
	return nil
}
