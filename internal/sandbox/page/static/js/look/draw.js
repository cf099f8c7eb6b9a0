// Shared parts of the viewers.
import { empty, fill, h, svg } from "../dom.js";

// load draws the result of fn, or an error. It drops an answer if a newer call has started, and keeps
// open what is open.
export async function load(box, fn) {
  const mine = (box.asked = (box.asked || 0) + 1);
  if (!box.children.length) fill(box, h("p", { class: "muted loading", text: "Loading…" }));
  let drawn;
  try {
    drawn = await fn();
  } catch (err) {
    drawn = empty("This cannot be shown right now", err.message);
  }
  if (mine !== box.asked || box.contains(document.activeElement) &&
    document.activeElement.matches("input:not([type=radio]), textarea, select[data-hold]")) return;
  const open = new Set([...box.querySelectorAll("details[data-at]")].filter((d) => d.open).map((d) => d.dataset.at));
  const shut = new Set([...box.querySelectorAll("details[data-at]")].filter((d) => !d.open).map((d) => d.dataset.at));
  const focus = document.activeElement &&
    box.contains(document.activeElement) ? document.activeElement.closest("[data-focus]")?.dataset.focus : "";
  const scrolls = new Map([...box.querySelectorAll("[data-scroll]")].map((el) => [el.dataset.scroll,
    { top: el.scrollTop, end: el.scrollHeight - el.scrollTop - el.clientHeight < 30 }]));
  const top = box.scrollTop;
  fill(box, drawn);
  for (const d of box.querySelectorAll("details[data-at]")) {
    if (open.has(d.dataset.at)) d.open = true;
    else if (shut.has(d.dataset.at)) d.open = false;
  }
  for (const el of box.querySelectorAll("[data-scroll]")) {
    const was = scrolls.get(el.dataset.scroll);
    el.scrollTop = !was || was.end ? (el.dataset.tail ? el.scrollHeight : 0) : was.top;
  }
  box.scrollTop = top;
  if (focus) box.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
}

// facts draws names and values.
export function facts(pairs) {
  return h("dl", { class: "facts" }, pairs.filter(([, v]) => v !== null && v !== undefined && v !== "" && v !== false)
    .map(([name, value]) => h("div", {}, h("dt", { text: name }), h("dd", {}, value))));
}

// tree draws any JSON value, and folds large ones.
export function tree(value, at = "$", depth = 0) {
  if (value === null || typeof value !== "object") return leaf(value);
  const entries = Array.isArray(value) ? value.map((v, i) => [String(i), v]) : Object.entries(value);
  if (!entries.length) return h("span", { class: "j-empty", text: Array.isArray(value) ? "[]" : "{}" });
  return h("ul", { class: "j" }, entries.slice(0, most).map(([name, v]) => entry(name, v, `${at}.${name}`, depth)),
    entries.length > most && h("li", { class: "muted", text: `and ${entries.length - most} more` }));
}

const most = 300;

function entry(name, v, at, depth) {
  if (v === null || typeof v !== "object" || !Object.keys(v).length) {
    return h("li", {}, h("span", { class: "j-name", text: name }), " ", tree(v, at, depth + 1));
  }
  const n = Object.keys(v).length;
  const size = Array.isArray(v) ? `${n} ${n === 1 ? "item" : "items"}` : `${n} ${n === 1 ? "field" : "fields"}`;
  return h("li", {}, h("details", { open: depth < 1 && n < 12, data: { at } },
    h("summary", {}, h("span", { class: "j-name", text: name }), " ", h("span", { class: "muted", text: size })),
      tree(v, at, depth + 1)));
}

function leaf(v) {
  if (v === null) return h("span", { class: "j-null", text: "null" });
  if (typeof v === "string") return h("span", { class: "j-text", text: v });
  return h("span", { class: "j-plain", text: String(v) });
}

// badge is a word with a color for its meaning.
export function badge(word, kind) {
  return h("span", { class: `tag ${kind || ""}`, text: word });
}

export const kindOf = (conclusion) =>
  ({ success: "good", failure: "bad", timed_out: "bad", startup_failure: "bad", cancelled: "warn", skipped: "",
    action_required: "warn" })[conclusion] ?? "";

// external is a link to a page of a simulator.
export function external(url, text) {
  if (!/^https?:\/\//.test(url || "")) return document.createTextNode(text);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text);
}

export function copyable(text) {
  return h("code", { class: "copy", text });
}

// rows is a list with one selected item.
export function rows(name, items, chosen, choose, draw) {
  return h("ul", { class: "rows", "aria-label": name }, items.map(([id, item]) => h("li", {},
    h("button", { type: "button", class: "row", "aria-pressed": String(id === chosen), data: { focus: `row-${id}` },
      onclick: () => choose(id) }, draw(item)))));
}

export const spinner = () => h("span", { class: "spinner", role: "img", "aria-label": "running" });

export const tick = (state) => {
  if (state === "running") return spinner();
  const shape = { good: ["M5 10.500l3.500 3.500L15 6.500"], bad: ["M6 6l8 8M14 6l-8 8"], "": ["M5 10h10"],
    warn: ["M10 5v6M10 14v.01"] }[state] || ["M5 10h10"];
  return h("span", { class: `tick ${state}`, "aria-hidden": "true" },
    svg(shape.map((d) => ["path", { d, fill: "none", stroke: "currentColor", "stroke-width": 2.400,
    "stroke-linecap": "round", "stroke-linejoin": "round" }])));
};
