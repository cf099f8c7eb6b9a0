// Elements that people use: one function for each type. A control reads its value from ctx, writes it
// to ctx, and acts through ctx.
import { h } from "./dom.js";
import { ask } from "./confirm.js";
import { combo, menuButton } from "./menu.js";
import { initialOf, keyOf, optionsOf, rawOf } from "./value.js";
import { textOf } from "./block.js";

// control draws an element. Inside an input block, field contains id, label, describedby and invalid.
export function control(el, block, ctx, field) {
  const make = makers[el.type];
  if (!make) return h("span", { class: "muted", text: `(${el.type} is not shown here)` });
  return make(new Part(el, block, ctx, field));
}

// Part is one element in its context.
class Part {
  constructor(el, block, ctx, field) {
    Object.assign(this, { el, block, ctx, field: field || null, key: keyOf(block, el) });
  }
  get name() {
    return this.field?.label || this.el.placeholder?.text || this.el.accessibility_label || this.el.action_id;
  }
  // attributes of every control
  base(extra) {
    const f = this.field;
    return {
      id: f?.id, "aria-describedby": f?.describedby, "aria-invalid": f?.invalid ? "true" : null,
      "aria-label": f ? null : this.name, "aria-required": f && !this.block.optional ? "true" : null,
      data: { focus: this.key }, disabled: this.ctx.busy, ...extra,
    };
  }
  get value() {
    if (this.ctx.drafts?.has(this.key)) return this.ctx.drafts.get(this.key);
    const state = this.ctx.state?.[this.block.block_id]?.[this.el.action_id];
    return state ? rawOf(this.el.type, state) : initialOf(this.el);
  }
  // give stores what was typed or chosen, and notifies the app if the element dispatches changes.
  give(raw, chosen) {
    this.ctx.drafts?.set(this.key, raw);
    const tell = this.field ? this.block.dispatch_action && chosen : chosen;
    if (tell) this.ctx.act(this, { selected: raw });
  }
  async sure() {
    return !this.el.confirm || ask(this.el.confirm);
  }
}

function button(p) {
  const style = p.el.style === "primary" || p.el.style === "danger" ? p.el.style : "";
  const press = async (e) => {
    const pressed = e.currentTarget;
    if (await p.sure()) p.ctx.act(p, { value: p.el.value || "" }, pressed);
  };
  const attributes = { class: `btn ${style}`, "aria-label": p.el.accessibility_label,
    data: { focus: `${p.key}.${p.el.value || ""}` } };
  if (p.el.url && /^https?:\/\//.test(p.el.url)) {
    return h("a", { ...attributes, href: p.el.url, target: "_blank", rel: "noopener noreferrer", onclick: press },
      textOf(p.el.text));
  }
  return h("button", { ...attributes, type: "button", disabled: p.ctx.busy, onclick: press }, textOf(p.el.text));
}

function overflow(p) {
  return menuButton("More actions", p.el.options || [], async (o) => {
    if (await p.sure()) p.ctx.act(p, { selected: o.value });
  }, p.key);
}

function select(p, options) {
  const value = p.value;
  const groups = new Map();
  const box = h("select", p.base({
    class: "control",
    onchange: async (e) => {
      if (!(await p.sure())) e.target.value = value;
      else p.give(e.target.value, true);
    },
  }));
  const hint = h("option", { value: "", text: p.el.placeholder?.text || "Choose…", disabled: !p.block.optional,
    selected: !value });
  if (!value || p.block.optional) box.append(hint);
  for (const o of options) {
    const item = h("option", { value: o.value, text: o.text?.text || o.value, selected: o.value === value });
    if (!o.group) box.append(item);
    else {
      if (!groups.has(o.group)) box.append(groups.set(o.group, h("optgroup", { label: o.group })).get(o.group));
      groups.get(o.group).append(item);
    }
  }
  return box;
}

function typed(p, attributes) {
  const lines = p.el.multiline;
  return h(lines ? "textarea" : "input", p.base({
    class: "control", type: lines ? null : "text", rows: lines ? 4 : null, autocomplete: "off", spellcheck: "false",
    placeholder: p.el.placeholder?.text, value: p.value, ...attributes,
    oninput: (e) => p.give(e.target.value, false),
    onkeydown: (e) => {
      if (e.key !== "Enter" || lines || e.isComposing) return;
      e.preventDefault();
      if (p.block.dispatch_action) p.give(e.target.value, true);
      else p.ctx.submit?.();
    },
  }));
}

// boxes draws radio buttons, or the check boxes of a menu with several choices.
function boxes(p, type) {
  const many = type === "checkbox";
  const chosen = () => [].concat(p.value);
  const name = `${p.key}-${p.ctx.id}`;
  const give = (e, o) => {
    if (!many) p.give(o.value, true);
    else p.give(e.target.checked ? [...chosen(), o.value] : chosen().filter((v) => v !== o.value), true);
  };
  const group = h("div", {
    class: "boxes", role: many ? "group" : "radiogroup", "aria-label": p.field ? null : p.name,
    "aria-describedby": p.field?.describedby, "aria-invalid": p.field?.invalid ? "true" : null,
  }, optionsOf(p.el).map((o) => h("label", { class: "box" },
    h("input", { type, name, value: o.value, checked: chosen().includes(o.value), disabled: p.ctx.busy,
      data: { focus: `${p.key}.${o.value}` }, onchange: (e) => give(e, o) }),
    h("span", { class: "box-text" }, textOf(o.text),
      o.description && h("span", { class: "hint" }, textOf(o.description))))));
  return group;
}

// many draws a list of checkboxes for a menu with several choices.
function many(p, options) {
  const group = boxes(new Part({ ...p.el, options, option_groups: null }, p.block, p.ctx, p.field), "checkbox");
  group.classList.add("many");
  return group;
}

function external(p) {
  return combo({
    base: p.base({ class: "control" }), name: p.name, placeholder: p.el.placeholder?.text || "Type to search",
    least: p.el.min_query_length ?? 3,
      shown: p.ctx.labels?.get(p.key + p.value) || p.el.initial_option?.text?.text || p.value,
    search: (query) => p.ctx.options(p, query),
    choose: (o) => {
      p.ctx.labels?.set(p.key + o.value, o.text?.text || o.value);
      p.give(o.value, true);
    },
  });
}

const makers = {
  button, overflow,
  static_select: (p) => select(p, optionsOf(p.el)),
  external_select: external,
  multi_static_select: (p) => many(p, optionsOf(p.el)),
  radio_buttons: (p) => boxes(p, "radio"),
  plain_text_input: (p) => typed(p),
  number_input: (p) => typed(p, { inputmode: "decimal" }),
};
