// What a person entered in an element, in the forms that are sent.

const shapes = {
  static_select: "selected_option", external_select: "selected_option", radio_buttons: "selected_option",
  multi_static_select: "selected_options",
};

// rawOf reads a value of Slack's view state: a text, or a list of texts.
export function rawOf(type, state) {
  if (!state) return isMany(type) ? [] : "";
  const v = state[shapes[type] || "value"];
  if (v === null || v === undefined) return isMany(type) ? [] : "";
  if (Array.isArray(v)) return v.map((o) => (typeof o === "object" ? o.value : String(o)));
  if (typeof v === "object") return v.value ?? "";
  return String(v);
}

// initialOf returns the initial value of an element in a message.
export function initialOf(el) {
  const one = el.initial_option || el.initial_value;
  if (isMany(el.type)) return (el.initial_options || []).map((o) => o.value);
  return one === undefined || one === null ? "" : typeof one === "object" ? one.value : String(one);
}

export const isMany = (type) => type.startsWith("multi_");
export const isStateful = (type) => !["button", "icon_button", "overflow", "feedback_buttons",
  "image"].includes(type);

// optionsOf lists the choices of a menu, with the group name for choices in groups.
export function optionsOf(el) {
  const plain = (el.options || []).map((o) => ({ ...o, group: "" }));
  const groups = (el.option_groups ||
    []).flatMap((g) => (g.options || []).map((o) => ({ ...o, group: g.label?.text || "" })));
  return [...plain, ...groups];
}

// elements lists the elements with a value in a list of blocks.
export function fieldsOf(blocks) {
  const out = [];
  for (const b of blocks || []) {
    const all = b.type === "input" ? [b.element] : b.type === "section" ? [b.accessory] : b.type === "actions" ? b.elements : [];
    for (const el of all || []) if (el && isStateful(el.type)) out.push({ block: b, el, key: keyOf(b, el) });
  }
  return out;
}

export const keyOf = (block, el) => `${block.block_id}.${el.action_id}`;
