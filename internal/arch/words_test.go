package arch

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The project uses plain English and the words of its field. This test keeps private
// names, translated phrases and British spelling out of identifiers, comments, strings,
// goldens, pages and file names.
//
// A directory joins plain once it is clean, and stays clean from then on. To see what is
// left to change in another one:
//
//	go test ./internal/arch -run TestPlainWords -words internal/view/...
//
// A word is matched whole, in any case, also as a part of an identifier (oldWish_Id) and
// across a line break in a comment.

var moreWords = flag.String("words", "", "check these directories too, separated by commas; /... includes those below")

// plain lists the clean directories; /... includes those below.
var plain = []string{
	"docs",
	"internal/arch",
	"internal/bootstrap/...",
	"internal/catalog/...",
	"internal/ci/...",
	"internal/config/...",
	"internal/github/...",
	"internal/intake/...",
	"internal/invisible",
	"internal/lifecycle/...",
	"internal/queue/...",
	"internal/rbac/...",
	"internal/request/...",
	"internal/sandbox/...",
	"internal/sim/...",
	"internal/rbac",
	"internal/secretscan/...",
	"internal/store/...",
	"internal/story/...",
	"internal/terraform/...",
	"internal/view/...",
	"internal/web",
	"manifests/...",
	"scripts",
	"slackapp/...",
	"templates/...",
	"tools/...",
	"worker",
}

const ise = `is(e|es|ed|er|ers|ing|ation|ations)`

// banned says what to write instead of each word or phrase. Alternatives are regular
// expressions; a space also matches a line break.
var banned = []struct{ words, instead string }{
	// Private names.
	{"wish|wishes|wished", "intent, requested"},
	{"bells?|ring|rings|rung|rang", "wake-up, enqueue, notify"},
	{"naps?|napping", "backoff, readyAt"},
	{"hub|forges?", "GitHub, code host"},
	{"folders?", "directory"},
	{"worlds?", "fixture, environment, setup"},
	{"tellers?", "builder"},
	{"graves?", "archive, tombstone"},
	{"mend|mends|mended|mending", "fix, hint"},
	{"trouble|troubles|untrouble", "problem, error, fault"},
	{"grip", "button value"},
	{"give way|gives way|gave way|take turn|takes turn", "release, start when acquired"},
	{"take back|takes back|took back|taken back", "cancel"},

	// Pronouns.
	{"somebody|anybody|everybody", "someone, anyone, everyone, or the role"},
	{"nobody", "no one, or the role"},
	{"whoever|whomever", "the person who, anyone who"},

	// Verbs that say little.
	{"(say|says|said|saying) (that|whether)", "reports whether, means that"},
	{"(is|are|was|were|be|been|being) told|tells? of|told of", "gets, receives, is notified"},
	{"looks? at|looked at|looking at", "check, read, review"},
	{"go on|goes on|went on|going on|gone on", "continue"},
	{"stands|stood", "is, comes"},
	{"fits|does not fit|do not fit|fitted", "matches, is valid"},
	{"lies (in|at|on|under|beside|outside)", "is in"},
	{"asked for", "requested"},
	{"(became|becomes|become) of", "the result of"},
	{"heard of|hears of|hear of", "known, reported"},

	// Phrases of other languages and other times.
	{"of which|of whom|in which case", "split the sentence"},
	{"that of|those of", "name the noun again"},
	{"any more", "no longer"},
	{"at this moment|for ever|else than|in its stead", "now; forever; other than; instead"},
	{"anew|thereof|therein|thereby|hereby|whereby|hither|thence|whence", "again, in it, by it"},
	{"whilst|amongst", "while, among"},

	// British spelling.
	{`(colou|behaviou|favou|honou|neighbou|labou|flavou|endeavou|rumou|harbou)r\w*`, "…or"},
	{`(initial|organ|recogn|unrecogn|author|normal|serial|summar|special|minim|maxim|optim|real|synchron)` + ise, "…iz…"},
	{`(util|sanit|priorit|final|custom|emphas|apolog|categor|character|visual|canonical|general|material)` + ise, "…iz…"},
	{"artefacts?|catalogues?|centres?|centred|defence|offence|licence", "US spelling"},
	{"grey|judgement|fulfil|fulfils|programmes?|cheques?|analyse[drs]?", "US spelling"},
	{"(travel|label|model|signal|channel|level|marshal|total|fuel|tunnel)l(ed|ing|er|ers)", "…led, …ling: one l"},
}

// right lists the uses of a banned word that are right, each with its reason.
var right = []struct{ path, word, reason string }{
	{"internal/arch/words_test.go", "", "this list"},
	{"internal/catalog/testdata/expressions.txt", "world", "hello world"},
	{"internal/github/testdata/hints.golden", "world", "GitHub's own example repository, Hello-World"},
	{"internal/invisible/invisible_test.go", "bell", "the name of a control character"},
	{"internal/lifecycle/eventtype.go", "wish", "the names in stored logs"},
	{"internal/secretscan/format.go", "hub", "Docker Hub"},
	{"internal/secretscan/name.go", "behaviour", "a word in names that it recognizes"},
	{"internal/secretscan/testdata/ordinary.txt", "hub", "a name as people write it"},
	{"internal/secretscan/testdata/planted.txt", "hub", "the mark of a GitHub token"},
	{"internal/sim/slack/interact.go", "trouble", "a message of Slack itself"},
	{"internal/sandbox/page/static/js/emoji.js", "bell", "Slack's name of an emoji"},
	{"internal/sandbox/page/static/js/emoji.js", "grey", "Slack's name of an emoji"},
	{"slackapp/card_drawing.go", "grey", "Slack's name of an emoji"},
	{"worker/security_test.go", "wish", "the stored name of an event"},
}

// maxText bounds the files that are checked: a larger one is data of others.
const maxText = 200 << 10

// texts are the kinds of files that people read.
var texts = []string{
	".go", ".md", ".js", ".css", ".html", ".sh", ".yaml", ".yml", ".tf", ".txt", ".golden", ".json", ".tpl", ".env",
}

func TestPlainWords(t *testing.T) {
	dirs := plain
	if *moreWords != "" {
		dirs = append(slices.Clone(plain), strings.Split(*moreWords, ",")...)
	}
	used := map[int]bool{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		dir, _, _ := cutLast(rel, "/")
		switch {
		case err != nil || relErr != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", ".data", "node_modules", "bin"}, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || !slices.Contains(texts, filepath.Ext(path)) || !listed(dir, dirs):
			return nil
		}
		text, err := os.ReadFile(path)
		if len(text) > maxText {
			return err
		}
		for _, fault := range wordFaults(rel, string(text)) {
			if i := excused(rel, fault.word); i >= 0 {
				used[i] = true
				continue
			}
			t.Errorf("%s:%d: %q: write %s", rel, fault.line, fault.word, fault.instead)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range right {
		if dir, _, _ := cutLast(row.path, "/"); !used[i] && listed(dir, dirs) {
			t.Errorf("%s no longer needs its exception for %q: remove the row", row.path, row.word)
		}
	}
}

// listed reports whether a list of directories names dir.
func listed(dir string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool {
		above, deep := strings.CutSuffix(d, "/...")
		return dir == d || deep && under(dir, above)
	})
}

// excused finds the exception for a word in a file, or -1.
func excused(path, word string) int {
	for i, row := range right {
		if row.path == path && (row.word == "" || row.word == word) {
			return i
		}
	}
	return -1
}

type wordFault struct {
	line          int
	word, instead string
}

// gap separates two words of a phrase: spaces, or a line break in a comment.
const gap = `(?:\s|//|#|\*)+`

// bannedWords matches all rows; rowWords matches each row alone.
var bannedWords, rowWords = func() (*regexp.Regexp, []*regexp.Regexp) {
	var all []string
	var rows []*regexp.Regexp
	for _, row := range banned {
		words := "(?:" + nonCapturing(row.words) + ")"
		all = append(all, words)
		rows = append(rows, regexp.MustCompile("^"+words+"$"))
	}
	return regexp.MustCompile(`\b(?:` + strings.Join(all, "|") + `)\b`), rows
}()

func nonCapturing(words string) string {
	return strings.ReplaceAll(strings.ReplaceAll(words, "(", "(?:"), " ", gap)
}

var (
	hump     = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	notSplit = strings.NewReplacer("GitHub", "Github", "X-Hub-", "X-Github-", "_", " ")
	space    = regexp.MustCompile(gap)
)

// wordFaults finds the banned words of a file in its path and its text.
func wordFaults(path, text string) (faults []wordFault) {
	for i, part := range []string{path, text} {
		split := strings.ToLower(hump.ReplaceAllString(notSplit.Replace(part), "$1 $2"))
		for _, m := range bannedWords.FindAllStringIndex(split, -1) {
			found := split[m[0]:m[1]]
			fault := wordFault{word: space.ReplaceAllString(found, " ")}
			if i > 0 {
				fault.line = 1 + strings.Count(split[:m[0]], "\n")
			}
			row := slices.IndexFunc(rowWords, func(r *regexp.Regexp) bool { return r.MatchString(found) })
			fault.instead = banned[row].instead
			faults = append(faults, fault)
		}
	}
	return faults
}

func TestPlainWordsBite(t *testing.T) {
	for _, c := range []struct{ path, text, want string }{
		{"x/world.go", "", "world"},
		{"x.go", "func addWish() {}", "wish"},
		{"x.go", "func wishID() {}", "wish"},
		{"x.go", "var old_bell int", "bell"},
		{"x.go", "// It is not used any\n\t// more.", "any more"},
		{"x.js", "/* Somebody\n * changed it. */", "somebody"},
		{"x.sh", "# what goes\n# on", "goes on"},
		{"x.md", "An initialised **Artefact**", "initialised artefact"},
		{"x.go", `fmt.Sprint("says that")`, "says that"},
		{"internal/github/x.go", "// GitHub, github and newGitHubClient wake strings; a rewishing", ""},
		{"x.go", "anyMore, of it, GoOnce", "any more"},
	} {
		var got []string
		for _, fault := range wordFaults(c.path, c.text) {
			got = append(got, fault.word)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %q: found %q, want %q", c.path, c.text, got, c.want)
		}
	}
}
