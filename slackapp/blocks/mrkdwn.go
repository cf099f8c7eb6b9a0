package blocks

import (
	"fmt"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Escape makes text literal in mrkdwn. It leaves * _ ~ and ` alone, for which Slack
// has no escape: what people wrote belongs into plain_text or rich_text.
func Escape(text string) string { return escapes.Replace(invisible.Show(text)) }

var unescapes = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// Unescape returns what a person typed: Slack sends the text of a command and of a message escaped.
// Done once, where the text arrives, it keeps the escapes out of documents, and keeps what is shown
// from being escaped twice.
func Unescape(text string) string { return unescapes.Replace(text) }

// Link is a link. For an address that is not plain http it is only the label.
func Link(url, label string) string {
	if !IsWebAddress(url) {
		return Escape(label)
	}
	return fmt.Sprintf("<%s|%s>", Escape(url), Escape(strings.ReplaceAll(label, "|", "/")))
}

// IsWebAddress reports whether a link may lead to url.
func IsWebAddress(url string) bool {
	return (strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://")) &&
		!strings.ContainsAny(url, "|<> \n\t")
}

// Mention names a person so that Slack notifies them; without an account it is only a name.
func Mention(user, name string) string {
	if user != "" {
		return "<@" + Escape(user) + ">"
	}
	return Escape(OneLine(name, MaxOption))
}

// Time shows a time in the reader's time zone, and in UTC where Slack cannot convert it.
func Time(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", t.Unix(), t.Format("2006-01-02 15:04 UTC"))
}
