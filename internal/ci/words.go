package ci

import (
	"regexp"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Terraform's errors end with advice for a person at a terminal. A reader of a card cannot
// follow it, and some of it is dangerous in an environment that TfPilot manages: without the
// state lock, two runs write one state; without the read-only lock file, a run uses providers
// that no one reviewed. So this file removes the advice, and names TfPilot's own remedy where
// there is one.
var advice = []*regexp.Regexp{
	words("Terraform acquires a state lock to protect the state from being written", `.*?`, "not recommended."),
	words(`In this scenario, please call the "force-unlock" command`, `.*?`, "holding a lock."),
	words("To use and record these requirements, run", `.*?`, "flag."),
	words("To update the locked dependency selections to match a changed configuration, run:", `\s*`,
		"terraform init -upgrade"),
}

// words returns a pattern that matches a text however Terraform wraps and frames its lines.
func words(begin, between, end string) *regexp.Regexp {
	const gap = `[\s│]+`
	part := func(s string) string {
		return strings.Join(strings.Fields(regexp.QuoteMeta(s)), gap)
	}
	return regexp.MustCompile(`(?s)` + part(begin) + gap + between + part(end))
}

// withoutAdvice removes advice that no one should follow.
func withoutAdvice(text string) string {
	for _, re := range advice {
		text = re.ReplaceAllString(text, "")
	}
	return strings.TrimSpace(text)
}

// lockFileErrors match Terraform's errors about a committed lock file that does not match the
// code or the runner's platform.
var lockFileErrors = regexp.MustCompile(`(?s)Provider dependency changes detected|Inconsistent dependency lock file|` +
	`doesn't[\s│]+match[\s│]+any[\s│]+of[\s│]+the[\s│]+checksums`)

// failureOf converts Terraform's error to a refusal. A state lock and a lock file that does not
// match have their own codes, because each has a remedy that the requester cannot apply.
func (j *job) failureOf(code lifecycle.ReasonCode, what, text string) error {
	if lock := parseStateLock(text); lock != nil {
		return &refusal{code: lifecycle.CodeStateLocked, text: what + " could not lock the state\n" + withoutAdvice(text),
			lock: lock}
	}
	text = withoutAdvice(text)
	if lockFileErrors.MatchString(text) {
		return refuse(lifecycle.CodeEnvironmentBroken, "%s failed: %s/.terraform.lock.hcl does not match the code or the "+
			"runner. "+
			"The platform team runs \"terraform providers lock\" there, with one -platform for each platform that runs it, and commits the file.\n%s",
			what, j.in.Environment.Root(), text)
	}
	if text == "" {
		text = "Terraform printed no error."
	}
	return refuse(code, "%s failed\n%s", what, text)
}

var lockField = regexp.MustCompile(`(?m)^[│\s]*(ID|Who|Operation|Version|Created):[ \t]+(\S.*?)[ \t]*$`)

// parseStateLock reads the holder of the lock from Terraform's lock error; nil if the text is
// another error, or does not name a holder.
func parseStateLock(text string) *lifecycle.StateLock {
	_, failure, found := strings.Cut(text, "Error acquiring the state lock")
	_, info, held := strings.Cut(failure, "Lock Info:")
	if !found || !held {
		return nil
	}
	lock := lifecycle.StateLock{}
	for _, m := range lockField.FindAllStringSubmatch(cut(info, maxTail), -1) {
		switch name, value := m[1], m[2]; {
		case name == "ID" && lock.ID == "" && lifecycle.NameStateLock.Valid(value):
			lock.ID = value
		case name == "Who" && lock.Who == "":
			lock.Who = cut(value, maxLockWord)
		case name == "Operation" && lock.Operation == "":
			lock.Operation = cut(value, maxLockWord)
		case name == "Version" && lock.Version == "":
			lock.Version = cut(value, maxLockWord)
		case name == "Created" && lock.Since.IsZero():
			lock.Since = lockTime(value)
		}
	}
	if lock.ID == "" {
		return nil
	}
	return &lock
}

// maxLockWord bounds each word of a lock, in bytes. Terraform prints them as another client wrote
// them into the bucket.
const maxLockWord = 100

// lockTime parses a time in Go's default format, which Terraform prints; nil if it cannot.
func lockTime(text string) time.Time {
	at, err := time.Parse("2006-01-02 15:04:05.999999999 -0700 MST", text)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}
