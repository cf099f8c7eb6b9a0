// What a person entered in an element, in the forms that are sent.

const shapes = {
  static_select: "selected_option", external_select: "selected_option", radio_buttons: "selected_option",
  checkboxes: "selected_options", multi_static_select: "selected_options", multi_external_select: "selected_options",
  users_select: "selected_user", channels_select: "selected_channel", conversations_select: "selected_conversation",
  multi_users_select: "selected_users", multi_channels_select: "selected_channels",
    multi_conversations_select: "selected_conversations",
  datepicker: "selected_date", timepicker: "selected_time", datetimepicker: "selected_date_time",
    rich_text_input: "rich_text_value",
};

// rawOf reads a value of Slack's view state: a text, or a list of texts.
export function rawOf(type, state) {
  if (!state) return isMany(type) ? [] : "";
  const v = state[shapes[type] || "value"];
  if (v === null || v === undefined) return isMany(type) ? [] : "";
  if (Array.isArray(v)) return v.map((o) => (typeof o === "object" ? o.value : String(o)));
  if (type === "rich_text_input") return plainOf(v);
  if (typeof v === "object") return v.value ?? "";
  return String(v);
}

const plainOf = (rich) => (rich.elements || []).flatMap((e) => e.elements || []).map((e) => e.text || "").join("");

// initialOf returns the initial value of an element in a message.
export function initialOf(el) {
  const one = el.initial_option || el.initial_value || el.initial_date || el.initial_time || el.initial_date_time ||
    el.initial_user || el.initial_channel || el.initial_conversation;
  const many = el.initial_options || el.initial_users || el.initial_channels || el.initial_conversations;
  if (isMany(el.type)) return (many || []).map((o) => (typeof o === "object" ? o.value : o));
  return one === undefined || one === null ? "" : typeof one === "object" ? one.value : String(one);
}

export const isMany = (type) => type === "checkboxes" || type.startsWith("multi_");
export const isStateful = (type) => !["button", "icon_button", "workflow_button", "overflow", "feedback_buttons",
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
