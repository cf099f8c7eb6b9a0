// Block Kit as nodes: one function for each type of block.
import { h, newId, svg } from "./dom.js";
import { control } from "./element.js";
import { mrkdwn } from "./mrkdwn.js";
import { richText } from "./rich.js";
import { emoji, knows } from "./emoji.js";

// textOf draws a text object.
export function textOf(object) {
  if (!object) return null;
  if (typeof object === "string") return document.createTextNode(object);
  if (object.type === "mrkdwn") return mrkdwn(object.text || "");
  return plain(object);
}

// plain draws literal text, with emoji if the app requests them.
function plain(object) {
  const out = document.createDocumentFragment();
  const parts = object.emoji === false ? [object.text || ""] : (object.text || "").split(/(:[a-z0-9_+-]+:)/);
  for (const part of parts) {
    const name = part.length > 2 && part.startsWith(":") && part.endsWith(":") ? part.slice(1, -1) : "";
    out.append(...(name && knows(name) ? [emoji(name)] : lines(part)));
  }
  return out;
}

// lines preserves the line breaks of literal text.
function lines(text) {
  return text.split("\n").flatMap((line, i) => i === 0 ? [line] : [h("br"), line]);
}

const makers = { section, header, divider, context, actions, input, rich_text: richText };

export function blocks(list, ctx) {
  return h("div", { class: "blocks" }, (list || []).map((b) => block(b, ctx)));
}

function block(b, ctx) {
  const make = makers[b.type];
  const el = make ? make(b, ctx) : unknown(b);
  el.classList.add("block");
  if (b.block_id) el.dataset.block = b.block_id;
  return el;
}

function section(b, ctx) {
  const accessory = b.accessory && control(b.accessory, b, ctx);
  return h("div", { class: accessory ? "section with-accessory" : "section" },
    h("div", { class: "section-text" },
      b.text && h("div", { class: "text" }, textOf(b.text)),
      b.fields && h("div", { class: "fields" }, b.fields.map((f) => h("div", { class: "text" }, textOf(f))))),
    accessory && h("div", { class: "accessory" }, accessory));
}

function header(b) {
  return h("h3", { class: "block-header" }, textOf(b.text));
}

function divider() {
  return h("hr");
}

function context(b) {
  return h("div", { class: "context" }, (b.elements || []).map((el) => h("div", { class: "text" }, textOf(el))));
}

function actions(b, ctx) {
  return h("div", { class: "actions" }, (b.elements || []).map((el) => control(el, b, ctx)));
}

// input is a field with its label, hint and error.
function input(b, ctx) {
  const id = newId("field"), hintId = newId("hint"), errorId = newId("error");
  const wrong = ctx.errors?.[b.block_id];
  const described = [b.hint && hintId, wrong && errorId].filter(Boolean).join(" ");
  const field = control(b.element, b, ctx,
    { id, describedby: described || null, invalid: Boolean(wrong), label: b.label?.text || "" });
  const label = [textOf(b.label), b.optional && h("span", { class: "optional", text: " (optional)" })];
  const below = [
    wrong && h("p", { class: "error", id: errorId }, svg(alertIcon), wrong),
    b.hint && h("p", { class: "hint", id: hintId }, textOf(b.hint)),
  ];
  const cls = wrong ? "field wrong" : "field";
  if (field.matches("[role=radiogroup], [role=group]")) {
    const labelId = newId("label");
    field.setAttribute("aria-labelledby", labelId);
    return h("div", { class: cls }, h("div", { class: "label", id: labelId }, label), field, below);
  }
  return h("div", { class: cls }, h("label", { class: "label", for: id }, label), field, below);
}

const alertIcon = [["circle", { cx: 10, cy: 10, r: 8, fill: "currentColor" }],
  ["path", { d: "M10 5.600v5M10 14v.01", stroke: "var(--surface)", "stroke-width": 2, "stroke-linecap": "round" }]];

function unknown(b) {
  return h("p", { class: "muted", text: `(blocks of type ${b.type} are not shown here)` });
}
