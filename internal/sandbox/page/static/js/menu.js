// Menus that browsers do not have: a button with a list of actions, and a search field for choices
// that the app supplies.
import { h, newId } from "./dom.js";

// menuButton opens a list of actions below a button.
export function menuButton(name, options, choose, focus) {
  const id = newId("menu");
  const items = options.map((o) => h("button",
    { type: "button", role: "menuitem", tabindex: "-1", class: "menu-item",
    onclick: () => { shut(true); choose(o); } }, o.text?.text || o.value));
  const list = h("div", { class: "menu", role: "menu", id, "aria-label": name, hidden: true }, items);
  const opener = h("button", { type: "button", class: "btn", "aria-haspopup": "menu", "aria-expanded": "false",
    "aria-controls": id, "aria-label": name, data: { focus }, onclick: () => (list.hidden ? open() : shut(true)) },
    "⋯");
  const box = h("span", { class: "menu-box" }, opener, list);
  const away = (e) => { if (!box.contains(e.target)) shut(false); };
  function open() {
    list.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", away);
    items[0]?.focus();
  }
  function shut(back) {
    list.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", away);
    if (back) opener.focus();
  }
  list.addEventListener("keydown", (e) => {
    const at = items.indexOf(document.activeElement);
    if (e.key === "Escape") { e.preventDefault(); e.stopPropagation(); shut(true); }
    else if (e.key === "ArrowDown") { e.preventDefault(); items[(at + 1) % items.length].focus(); }
    else if (e.key === "ArrowUp") { e.preventDefault(); items[(at - 1 + items.length) % items.length].focus(); }
    else if (e.key === "Tab") shut(false);
  });
  return box;
}

// listbox is a list below a text field, used with the arrow keys.
export function listbox(field, choose) {
  const id = newId("list");
  const list = h("ul", { class: "listbox", role: "listbox", id, hidden: true });
  let options = [], at = -1;
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-expanded", "false");
  field.setAttribute("aria-controls", id);
  function mark(i) {
    at = i;
    [...list.children].forEach((li, k) => li.setAttribute("aria-selected", k === i ? "true" : "false"));
    if (i < 0) field.removeAttribute("aria-activedescendant");
    else {
      field.setAttribute("aria-activedescendant", list.children[i].id);
      list.children[i].scrollIntoView({ block: "nearest" });
    }
  }
  function show(found, draw, say) {
    options = found;
    list.replaceChildren(...found.map((o, i) => h("li", {
      role: "option", id: `${id}-${i}`, "aria-selected": "false",
      onpointerdown: (e) => { e.preventDefault(); take(i); },
    }, draw(o))));
    if (!found.length && say) list.append(h("li",
      { class: "muted", role: "option", "aria-disabled": "true", text: say }));
    list.hidden = !list.children.length;
    field.setAttribute("aria-expanded", String(!list.hidden));
    mark(-1);
  }
  function hide() {
    list.hidden = true;
    options = [];
    at = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }
  function take(i) {
    const o = options[i];
    hide();
    if (o) choose(o);
  }
  // key handles a key for the list, and returns true if it had an effect.
  function key(e) {
    if (list.hidden || !options.length) {
      if (e.key === "Escape" && !list.hidden) { hide(); return true; }
      return false;
    }
    if (e.key === "ArrowDown") mark((at + 1) % options.length);
    else if (e.key === "ArrowUp") mark((at - 1 + options.length) % options.length);
    else if (e.key === "Escape") hide();
    else if ((e.key === "Enter" || e.key === "Tab") && at >= 0) take(at);
    else return false;
    return true;
  }
  return { el: list, show, hide, key, get open() { return !list.hidden; } };
}

// combo is a field for one choice from the app's answers.
export function combo({ base, placeholder, least, shown, search, choose }) {
  const field = h("input", { ...base, type: "text", autocomplete: "off", placeholder, value: shown });
  const list = listbox(field, (o) => { field.value = o.text?.text || o.value; choose(o); });
  searching(field, list, least, search);
  field.addEventListener("blur", () => list.hide());
  return Object.assign(h("div", { class: "combo" }, field, list.el), {});
}

// searching queries after a pause in typing, and shows only the newest answer.
function searching(field, list, least, search) {
  let timer = 0, asked = 0;
  const ask = () => {
    clearTimeout(timer);
    const query = field.value.trim(), mine = ++asked;
    if (query.length < least) {
      list.show([], null, least > 0 && query ? `Type at least ${least} characters` : "");
      return;
    }
    timer = setTimeout(async () => {
      const { options, note } = await search(query);
      if (mine === asked && document.activeElement === field) list.show(options, (o) => o.text?.text || o.value,
        note || "No results");
    }, 250);
  };
  field.addEventListener("input", ask);
  field.addEventListener("focus", () => { if (least === 0) ask(); });
  field.addEventListener("keydown", (e) => { if (list.key(e)) { e.preventDefault(); e.stopPropagation(); } });
}
