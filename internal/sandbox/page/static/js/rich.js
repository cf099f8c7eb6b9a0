// rich_text blocks as nodes.
import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { openLink } from "./link.js";
import { mention } from "./mrkdwn.js";

export function richText(block) {
  return h("div", { class: "rich" }, grouped(block.elements || []));
}

// grouped joins consecutive lists with deeper indents into one.
function grouped(elements) {
  const out = [];
  let open = []; // lists by indent
  for (const el of elements) {
    if (el.type !== "rich_text_list") {
      open = [];
      out.push(part(el));
      continue;
    }
    const indent = Math.min(el.indent || 0, 8);
    const list = listOf(el);
    const parent = open.slice(0, indent).filter(Boolean).pop();
    if (parent && parent.lastElementChild) parent.lastElementChild.append(list);
    else out.push(list);
    open = open.slice(0, indent);
    open[indent] = list;
  }
  return out;
}

function listOf(el) {
  const items = (el.elements || []).map((item) => h("li", {}, runs(item.elements)));
  return h(el.style === "ordered" ? "ol" : "ul", { start: el.offset ? el.offset + 1 : null }, items);
}

function part(el) {
  switch (el.type) {
    case "rich_text_preformatted":
      return h("pre", { class: "code" }, runs(el.elements));
    case "rich_text_quote":
      return h("blockquote", {}, runs(el.elements));
    default:
      return h("p", {}, runs(el.elements));
  }
}

const runs = (elements) => (elements || []).map(run);

function run(el) {
  let node = leaf(el);
  const style = el.style || {};
  for (const [name, tag] of [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"]]) {
    if (style[name]) node = h(tag, {}, node);
  }
  return node;
}

function leaf(el) {
  switch (el.type) {
    case "text":
      return document.createTextNode(el.text || "");
    case "emoji":
      return emoji(el.name || "");
    case "link":
      return openLink(el.url || "", el.text || el.url || "");
    case "user":
      return mention(el.user_id);
    default:
      return document.createTextNode("");
  }
}
