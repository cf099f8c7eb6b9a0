package slackapp

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
)

func readManifest(t *testing.T) slack.Manifest {
	t.Helper()
	data, err := os.ReadFile("../slack-manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var m slack.Manifest
	if err := yaml.UnmarshalWithOptions(data, &m, yaml.Strict()); err != nil {
		t.Fatalf("the manifest has a key that Slack does not know: %v", err)
	}
	return m
}

func TestManifestAsksForWhatTheCodeUses(t *testing.T) {
	m := readManifest(t)
	var scopes []string
	for _, s := range Scopes() {
		scopes = append(scopes, s.Name)
		if s.Why == "" || s.Without == "" {
			t.Errorf("scope %s: say why, and what stops without it", s.Name)
		}
	}
	slices.Sort(scopes)
	if diff := cmp.Diff(scopes, m.OAuthConfig.Scopes.Bot); diff != "" {
		t.Errorf("scopes (-code +manifest):\n%s", diff)
	}
	if n := len(m.OAuthConfig.Scopes.BotOptional) + len(m.OAuthConfig.Scopes.User) +
		len(m.OAuthConfig.Scopes.UserOptional); n > 0 {
		t.Errorf("%d scopes that no code uses", n)
	}
	var commands []string
	for _, c := range m.Features.SlashCommands {
		commands = append(commands, c.Command)
	}
	if diff := cmp.Diff([]string{Command}, commands); diff != "" {
		t.Errorf("commands (-code +manifest):\n%s", diff)
	}
	if diff := cmp.Diff(handledEvents, m.Settings.EventSubscriptions.BotEvents); diff != "" {
		t.Errorf("events (-code +manifest):\n%s", diff)
	}
	var shortcuts []string
	for _, s := range m.Features.Shortcuts {
		shortcuts = append(shortcuts, s.CallbackID)
	}
	if diff := cmp.Diff([]string{shortcutNew, shortcutFrom}, shortcuts); diff != "" {
		t.Errorf("shortcuts (-code +manifest):\n%s", diff)
	}
	if m.Features.AppHome.MessagesTabReadOnlyEnabled {
		t.Error("people cannot write to the app")
	}
}

func TestManifestMatchesTheApp(t *testing.T) {
	m := readManifest(t)
	if !m.Settings.SocketModeEnabled || m.Settings.Interactivity == nil || !m.Settings.Interactivity.IsEnabled {
		t.Error("the app needs Socket Mode and interactivity")
	}
	if m.Settings.TokenRotationEnabled {
		t.Error("the app does not rotate tokens")
	}
	for _, c := range []struct {
		what, text string
		most       int
	}{
		{"name", m.Display.Name, 35},
		{"description", m.Display.Description, 140},
		{"bot name", m.Features.BotUser.DisplayName, 80},
		{"usage hint", m.Features.SlashCommands[0].UsageHint, 1000},
	} {
		if n := utf8.RuneCountInString(c.text); n == 0 || n > c.most {
			t.Errorf("%s has %d characters, at most %d", c.what, n, c.most)
		}
	}
	for _, sub := range subcommands {
		if !strings.Contains(m.Features.SlashCommands[0].UsageHint, sub) {
			t.Errorf("usage hint does not name %s", sub)
		}
	}
}

// handledEvents are the events that App.Event handles.
var handledEvents = []string{"app_home_opened", "app_mention", "message.im"}

// clientMethods are the methods of slack-go's client and what they call.
var clientMethods = map[string]string{
	"AuthTestContext":                  "auth.test",
	"OpenViewContext":                  "views.open",
	"UpdateViewContext":                "views.update",
	"PublishViewContext":               "views.publish",
	"PostMessageContext":               "chat.postMessage",
	"UpdateMessageContext":             "chat.update",
	"PostEphemeralContext":             "chat.postEphemeral",
	"UploadFileContext":                "files.getUploadURLExternal files.completeUploadExternal",
	"SetAssistantThreadsStatusContext": "assistant.threads.setStatus",
	"OpenConversationContext":          "conversations.open",
	"GetConversationHistoryContext":    "conversations.history",
	"GetConversationInfoContext":       "conversations.info",
	"GetConversationRepliesContext":    "conversations.replies",
}

// TestEveryCallHasItsScope reads the calls of the Web API out of the source, so that
// a new one cannot be forgotten in the table.
func TestEveryCallHasItsScope(t *testing.T) {
	called := map[string]bool{"apps.connections.open": true}
	for _, file := range sources(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if on, ok := sel.X.(*ast.SelectorExpr); ok && on.Sel.Name == "API" {
				method, known := clientMethods[sel.Sel.Name]
				if !known {
					t.Errorf("API.%s is called; say here which method that is, and add its scope", sel.Sel.Name)
				}
				for _, one := range strings.Fields(method) {
					called[one] = true
				}
			}
			return true
		})
	}
	covered := map[string]bool{}
	for _, m := range freeMethods {
		covered[m] = true
	}
	for _, s := range Scopes() {
		for _, m := range s.Methods {
			covered[m] = true
		}
	}
	if diff := cmp.Diff(called, covered); diff != "" {
		t.Errorf("methods (-called +in the table):\n%s", diff)
	}
}

func sources(t *testing.T) []*ast.File {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}
