// Creating and updating elements. Data only becomes a text node or an attribute value: a message can
// never become markup.

// h creates an element. Properties: class, text, on* (listeners), data (dataset); all others are
// attributes. It omits false, null and undefined.
export function h(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "class") el.className = value;
    else if (name === "text") el.textContent = value;
    else if (name === "data") Object.assign(el.dataset, value);
    else if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else if (name === "value") el.value = value;
    else if (name === "checked" || name === "disabled" || name === "selected" || name === "hidden" ||
      name === "open") el[name] = Boolean(value);
    else el.setAttribute(name, value === true ? "" : String(value));
  }
  el.append(...children.flat(9).filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

const SVG = "http://www.w3.org/2000/svg";

// svg draws from [tag, attributes] pairs, which are all part of this page.
export function svg(shapes, box = "0 0 20 20", cls = "icon") {
  const el = document.createElementNS(SVG, "svg");
  el.setAttribute("viewBox", box);
  el.setAttribute("class", cls);
  el.setAttribute("aria-hidden", "true");
  el.setAttribute("focusable", "false");
  for (const [tag, attributes] of shapes) {
    const part = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value);
    el.append(part);
  }
  return el;
}

export const $ = (id) => document.getElementById(id);

export function fill(el, ...children) {
  el.replaceChildren(...children.flat(9).filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

let lastId = 0;
export const newId = (name) => `${name}-${++lastId}`;

// reconcile updates the children of a list to match items. A child whose print did not change stays,
// with its focus, scroll position and open menus.
export function reconcile(list, items, keyOf, printOf, draw) {
  const old = new Map();
  for (const child of list.children) old.set(child.dataset.key, child);
  let before = null;
  for (const item of items) {
    const key = keyOf(item), print = printOf(item);
    let el = old.get(key);
    old.delete(key);
    if (!el || el.print !== print) {
      const fresh = draw(item);
      fresh.dataset.key = key;
      fresh.print = print;
      if (el) swap(el, fresh);
      el = fresh;
    }
    const at = before ? before.nextSibling : list.firstChild;
    if (at !== el) list.insertBefore(el, at);
    before = el;
  }
  for (const gone of old.values()) gone.remove();
}

// swap replaces an element and restores the focus to the control with the same key.
export function swap(old, fresh) {
  const focus = focusOf(old);
  old.replaceWith(fresh);
  restore(fresh, focus);
}

export function focusOf(root) {
  const el = document.activeElement;
  if (!el || !root.contains(el)) return null;
  const held = el.closest("[data-focus]");
  const range = "selectionStart" in el &&
    typeof el.selectionStart === "number" ? [el.selectionStart, el.selectionEnd] : null;
  return { key: held ? held.dataset.focus : "", range };
}

export function restore(root, focus) {
  if (!focus || !focus.key) return false;
  const el = root.querySelector(`[data-focus="${CSS.escape(focus.key)}"]`);
  if (!el || el.disabled) return false;
  el.focus({ preventScroll: true });
  if (focus.range && el.setSelectionRange &&
    typeof el.selectionStart === "number") el.setSelectionRange(...focus.range);
  return true;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const precise = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const long = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

// when draws a time: only the clock for today, otherwise with the date.
export function when(value, seconds) {
  const at = value instanceof Date ? value : new Date(value);
  if (Number.isNaN(at.getTime()) || at.getTime() < 1000) return h("span", { text: "–" });
  const today = at.toDateString() === new Date().toDateString();
  const shown = today ? (seconds ? precise : clock).format(at) : long.format(at);
  return h("time", { datetime: at.toISOString(), title: long.format(at), text: shown });
}

export const ofTS = (ts) => new Date(Number(ts) * 1000);

// announce repeats a visible change for screen readers.
export function announce(text) {
  const live = $("live");
  live.append(h("p", { text: text.slice(0, 400) }));
  while (live.children.length > 5) live.firstChild.remove();
}

// toast shows a message for a while. An error stays until it is closed.
export function toast(text, kind = "info") {
  const close = h("button", { type: "button", class: "x", "aria-label": "Dismiss", text: "×",
    onclick: () => box.remove() });
  const box = h("div", { class: `toast ${kind}` }, h("p", { text }), close);
  $("toasts").append(box);
  while ($("toasts").children.length > 4) $("toasts").firstChild.remove();
  if (kind !== "bad") setTimeout(() => box.remove(), 5000);
}

export const plural = (n, one, many) => `${n} ${n === 1 ? one : many || one + "s"}`;

export function empty(title, text, ...more) {
  return h("div", { class: "empty" }, h("p", { class: "empty-title", text: title }), text && h("p", { text }), ...more);
}
