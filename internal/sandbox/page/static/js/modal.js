// Views: the modals of the current user, the top one last. What was typed stays when the app redraws a
// view, as long as the field is the same one.
import { fill, focusOf, h, newId, restore, svg } from "./dom.js";
import { post, Refused } from "./api.js";
import { app, readSlack } from "./app.js";
import { blocks, textOf } from "./block.js";
import { act, fail, options, say } from "./message.js";
import { fieldsOf } from "./value.js";

const drafts = new Map(); // by view id: values that are not submitted yet
const labels = new Map(); // labels of choices that the app supplied

let box = null; // the dialog
let drawn = ""; // print of the current content
let current = null;
let sending = false;

export function viewContext(view) {
  if (!drafts.has(view.id)) drafts.set(view.id, new Map());
  const given = drafts.get(view.id);
  const place = (part) => ({ view: view.id, actionId: part.el.action_id, blockId: part.block.block_id });
  return {
    id: view.id, drafts: given, labels, state: view.values, errors: view.errors, busy: view.sending || sending,
    act: (part, what, pressed) => act({ ...place(part), values: filled(view, given), ...what }, pressed),
    options: (part, query) => options({ ...place(part), values: filled(view, given), query }),
    submit: () => submit(),
  };
}

// filled returns the drafts of the view's current fields.
function filled(view, given) {
  const out = {};
  for (const f of fieldsOf(view.blocks)) {
    if (!given.has(f.key)) continue;
    const raw = given.get(f.key);
    out[f.key] = f.el.type.startsWith("multi_") ? [].concat(raw) : raw === "" ? null : raw;
  }
  return out;
}

export function drawModal() {
  const views = app.slack?.views || [];
  const view = views.at(-1);
  for (const id of drafts.keys()) if (!views.some((v) => v.id === id) && app.slack?.home?.id !== id) drafts.delete(id);
  if (!view) return shut();
  const print = JSON.stringify([view.id, view.hash, view.errors, view.note, view.sending, sending, app.user]);
  if (print === drawn && box?.open) return;
  const same = current?.id === view.id;
  const newErrors = JSON.stringify(view.errors) !== JSON.stringify(current?.errors);
  const focus = box && same ? focusOf(box) : null;
  const scroll = same ? box?.querySelector(".modal-body")?.scrollTop : 0;
  if (!box) {
    box = h("dialog", { class: "modal" });
    box.addEventListener("cancel", (e) => { e.preventDefault(); close(); });
    document.body.append(box);
  }
  drawn = print;
  current = view;
  draw(view, views.length);
  if (!box.open) box.showModal();
  box.querySelector(".modal-body").scrollTop = scroll || 0;
  place(view, focus, newErrors);
}

// place sets the focus: on the first field with an error, otherwise where it was, otherwise on the
// first field.
function place(view, focus, newErrors) {
  const wrong = newErrors && view.errors && box.querySelector("[aria-invalid=true], .field.wrong input");
  if (wrong) {
    (wrong.matches("input, select, textarea") ? wrong : wrong.querySelector("input"))?.focus();
    wrong.closest(".field")?.scrollIntoView({ block: "nearest" }); // with the error below it
    return;
  }
  if (restore(box, focus)) return;
  const byAction = focus?.key &&
    [...box.querySelectorAll("[data-focus]")].find((el) => el.dataset.focus.split(".")[1] === focus.key.split(".")[1] && focus.key.split(".")[1]);
  const first = byAction || box.querySelector(".modal-body :is(input, select, textarea):not(:disabled)") ||
    box.querySelector(".modal-foot .btn.primary:not(:disabled)") || box.querySelector("h2");
  first?.focus({ preventScroll: true });
}

function draw(view, depth) {
  const id = newId("view"), busy = view.sending || sending;
  box.setAttribute("aria-labelledby", id);
  box.setAttribute("aria-busy", String(busy));
  const head = h("header", { class: "modal-head" },
    h("img", { src: "/static/icon.svg", alt: "", width: 28, height: 28 }),
    h("h2", { id, tabindex: "-1" }, textOf(view.title) || "TfPilot"),
    depth > 1 && h("span", { class: "badge", text: `${depth} of 3` }),
    h("button", { type: "button", class: "x", "aria-label": "Close this window", data: { focus: ".close-x" },
      onclick: close }, "×"));
  const body = h("div", { class: "modal-body" },
    view.note && h("p", { class: "note error", role: "alert" }, svg(alertIcon), view.note),
    blocks(view.blocks, viewContext(view)));
  const foot = h("footer", { class: "modal-foot" },
    h("button", { type: "button", class: "btn", data: { focus: ".close" }, onclick: close },
      textOf(view.close) || "Cancel"),
    view.submit && h("button", { type: "submit", class: "btn primary", data: { focus: ".submit" }, disabled: busy },
      busy ? "Sending…" : textOf(view.submit)));
  const form = h("form", { novalidate: true, onsubmit: (e) => { e.preventDefault(); submit(); } }, head, body, foot);
  fill(box, form);
}

const alertIcon = [["circle", { cx: 10, cy: 10, r: 8, fill: "currentColor" }],
  ["path", { d: "M10 5.600v5M10 14v.01", stroke: "var(--surface)", "stroke-width": 2, "stroke-linecap": "round" }]];

async function submit() {
  const view = current;
  if (!view?.submit || sending) return;
  const values = filled(view, drafts.get(view.id) || new Map());
  sending = true;
  drawModal();
  try {
    say(await post("/control/submit", { user: app.user, view: view.id, values }));
  } catch (err) {
    fail(err);
  } finally {
    sending = false;
    await readSlack();
    drawModal();
  }
}

async function close() {
  const view = current;
  if (!view) return;
  try {
    await post("/control/close", { user: app.user, view: view.id });
  } catch (err) {
    if (!(err instanceof Refused) || err.code !== "unknown_view") fail(err);
  } finally {
    await readSlack();
  }
}

function shut() {
  if (!box) return;
  current = null;
  drawn = "";
  box.close();
  box.remove();
  box = null;
}
