package blockkit

// richElement checks a top-level part of a rich_text block.
func richElement(c *checker, at string, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		c.problem(at, "must provide an object")
		return
	}
	spans := required("elements", list(1, maxText, span))
	layout := []field{optional("border", numberBetween(0, 1)), optional("indent", numberBetween(0, 8)),
		optional("offset", numberBetween(0, 1<<20))}
	switch m["type"] {
	case "rich_text_section":
		object(spans)(c, at, v)
	case "rich_text_quote", "rich_text_preformatted":
		object(append(layout, spans, optional("language", str(1, 75)))...)(c, at, v)
	case "rich_text_list":
		object(append(layout, required("style", enum("bullet", "ordered")),
			required("elements", list(1, maxText, listItem)))...)(c, at, v)
	default:
		c.problem(at+"/type", "unsupported type: %v", m["type"])
	}
}

// listItem keeps lists flat: Slack nests them by indent, not by containment.
func listItem(c *checker, at string, v any) {
	m, _ := v.(map[string]any)
	if m["type"] != "rich_text_section" {
		c.problem(at+"/type", "unsupported type: %v", m["type"])
		return
	}
	richElement(c, at, v)
}

var style = optional("style", open())

// spanChecks checks the inline parts.
var spanChecks = map[string]check{
	"text": object(required("text", str(1, 13_200)), style),
	"link": object(required("url", link(maxURL, "http", "https", "mailto", "slack")),
		optional("text", str(0, 13_200)), optional("unsafe", boolean), style),
	"emoji": open(required("name", str(1, maxID))),
	"user":  open(required("user_id", str(1, maxID))),
}

func span(c *checker, at string, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		c.problem(at, "must provide an object")
		return
	}
	name, _ := m["type"].(string)
	ch, known := spanChecks[name]
	if !known {
		c.problem(at+"/type", "unsupported type: %s", name)
		return
	}
	ch(c, at, v)
}
