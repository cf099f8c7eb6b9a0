package lifecycle

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Names become parts of S3 keys, paths, branches, Terraform code and tasks. They come from
// configuration, documents, webhooks and workflow inputs. Each kind of name has one rule, here,
// and every package checks names here: a name that one package accepts and another refuses would
// be lost between them.

// Name is one kind of name.
type Name struct {
	What    string // required: "request id"
	Want    string // required: what a valid one looks like, for the person who wrote another
	pattern *regexp.Regexp
	also    func(string) bool // further rules besides the pattern
}

const (
	slugPattern  = `[a-z][a-z0-9-]{1,20}`
	slugWant     = "2 to 21 of a-z, 0-9 and -, starting with a letter"
	idPattern    = `req_[a-z0-9]{10,16}`
	segment      = `[A-Za-z0-9_][A-Za-z0-9_.-]*`
	stateSegment = `[A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+)*`
	maxRef       = 200 // bytes of a branch
	maxPath      = 250 // bytes of a path in a repository
)

var kindPattern = func() string {
	var all []string
	for _, row := range kindRows {
		all = append(all, string(row.Kind))
	}
	return strings.Join(all, "|")
}()

// The names.
var (
	NameRequest     = newName("request id", "req_ and 10 to 16 of a-z and 0-9", idPattern)
	NameKind        = newName("run kind", "one of "+strings.ReplaceAll(kindPattern, "|", ", "), kindPattern)
	NameCorrelation = newName("correlation id", "a run kind, - and 32 of 0-9 and a-f", `(?:`+kindPattern+`)-[0-9a-f]{32}`)
	NameProject     = newName("project", slugWant, slugPattern)
	NameEnvironment = newName("environment key", slugWant, slugPattern)
	NameSlug        = newName("environment slug", slugWant, slugPattern)
	NameModule      = newName("module", "1 to 63 of a-z, 0-9 and -, starting with a letter", `[a-z][a-z0-9-]{0,62}`)
	NameOwner       = newName("repository owner", "the name of a GitHub organization or user",
		`[A-Za-z0-9][A-Za-z0-9_-]{0,38}`)
	NameLogin      = newName("GitHub login", "the login of a GitHub account", `[A-Za-z0-9][A-Za-z0-9_-]{0,38}`)
	NameRepository = nameAlso("repository", "the name of a repository, without its owner", `[A-Za-z0-9._-]{1,100}`,
		notDots)
	NameBranch = nameAlso("branch", "the name of a branch", segment+`(?:/`+segment+`)*`, validBranch)
	NamePath   = nameAlso("path", "a path in the repository, without .. and control characters",
		`[^\x00-\x1f\x7f\\~^:?*\[ ]+`, validPath)
	NameCommit    = newName("commit", "40 of 0-9 and a-f", `[0-9a-f]{40}`)
	NameBlob      = newName("blob", "40 of 0-9 and a-f", `[0-9a-f]{40}`)
	NameDigest    = newName("plan digest", "sha256: and 64 of 0-9 and a-f", `sha256:[0-9a-f]{64}`)
	NameStateLock = newName("state lock id", "a UUID as Terraform prints it",
		`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	NameBucket   = newName("bucket", "the name of an S3 bucket", `[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`)
	NameRegion   = newName("region", "a region such as eu-central-1", `[a-z]{2,}(?:-[a-z0-9]+)+`)
	NameStateKey = newName("state key", "a key such as core/dev/app/terraform.tfstate", stateSegment+`(/`+stateSegment+
		`)*`)
	NameDynamoDBTable = newName("lock table", "the name of a DynamoDB table", `[A-Za-z0-9_.-]{3,255}`)
)

// ErrName means that a name is invalid.
var ErrName = errors.New("invalid name")

func newName(what, want, pattern string) Name { return nameAlso(what, want, pattern, nil) }

func nameAlso(what, want, pattern string, also func(string) bool) Name {
	return Name{what, want, regexp.MustCompile(`^(?:` + pattern + `)$`), also}
}

// Valid reports whether s is such a name.
func (n Name) Valid(s string) bool {
	return len(s) <= maxName && n.pattern.MatchString(s) && (n.also == nil || n.also(s))
}

// maxName bounds the text that is checked: every valid name is shorter.
const maxName = 1024

// Check returns an error if s is not such a name, which describes a valid one.
func (n Name) Check(s string) error {
	if n.Valid(s) {
		return nil
	}
	return fmt.Errorf("%w: %s %.80q: want %s", ErrName, n.What, s, n.Want)
}

func notDots(s string) bool { return s != "." && s != ".." }

// validBranch checks git's rules that the pattern does not cover.
func validBranch(s string) bool {
	if len(s) > maxRef || strings.Contains(s, "..") {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if strings.HasSuffix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}

// validPath keeps a path inside its repository.
func validPath(s string) bool {
	if len(s) > maxPath {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || part == "." || strings.Contains(part, "..") {
			return false
		}
	}
	return true
}

// ValidRepository reports whether s is an owner and a repository, "owner/name".
func ValidRepository(s string) bool {
	owner, repository, _ := strings.Cut(s, "/")
	return NameOwner.Valid(owner) && NameRepository.Valid(repository)
}

// ParseKind reads a run kind.
func ParseKind(s string) (Kind, error) {
	if err := NameKind.Check(s); err != nil {
		return "", err
	}
	return Kind(s), nil
}

// ParseCorrelationID reads the kind that a correlation id begins with.
func ParseCorrelationID(id string) (Kind, error) {
	if err := NameCorrelation.Check(id); err != nil {
		return "", err
	}
	return Kind(id[:strings.LastIndexByte(id, '-')]), nil
}

// Check returns an error if the key or the slug of the environment is invalid.
func (e Environment) Check() error {
	return errors.Join(NameEnvironment.Check(e.Key), NameSlug.Check(e.Slug))
}

// Root is the directory of the environment in the infra repository.
func (e Environment) Root() string { return "envs/" + e.Key + "/" + e.Slug }

// RequestPath is the path of a request's generated file in the infra repository.
func RequestPath(e Environment, id string) (string, error) {
	if err := errors.Join(e.Check(), NameRequest.Check(id)); err != nil {
		return "", err
	}
	return e.Root() + "/" + ModuleCall(id) + ".tf", nil
}

// ModuleCall is the name of the module block of a request; its address is "module." before it.
func ModuleCall(id string) string { return "tfpilot_" + id }

// RequestBranch is the branch that a request is reviewed on.
func RequestBranch(id string) string { return "request/" + id }

// CleanupBranch is the branch that removes the code of a destroyed request.
func CleanupBranch(id string) string { return "cleanup/" + id }
