// The simulated cloud: objects, changes from outside, injected refusals.
import { empty, h, plural, toast, when } from "../dom.js";
import { get, post } from "../api.js";
import { dialog } from "../confirm.js";
import { fail } from "../message.js";
import { badge, facts, load, tree } from "./draw.js";

const refusals = {
  AccessDenied: "Access denied", BucketAlreadyExists: "The name is taken", VcpuLimitExceeded: "No capacity left",
  ThrottlingException: "Too many requests", ServiceUnavailable: "Service unavailable",
};

let code = "AccessDenied";

export const lookCloud = (box) => load(box, async () => {
  const { objects, faults } = await get("/view/cloud");
  return [
    h("form", { class: "bar", "aria-label": "Refuse the next create",
      onsubmit: (e) => { e.preventDefault(); refuse(box); } },
      h("label", {}, h("span", { class: "label", text: "Answer to the next create" }),
        h("select", { class: "control", data: { hold: "1", focus: "refusal" },
        onchange: (e) => { code = e.target.value; } },
        Object.entries(refusals).map(([value, text]) => h("option", { value, text, selected: value === code })))),
      h("button", { type: "submit", class: "btn", text: "Refuse the next create", data: { focus: "refuse" } })),
    faults.length > 0 && h("p", { class: "note warning" }, `Active faults: ${faults.map(faultText).join("; ")}. `,
      h("button", { type: "button", class: "link", text: "Clear", onclick: () => clear(box) })),
    objects.length > 0 && h("p", { class: "muted small",
      text: `${plural(objects.length, "object")}. Open one to change it outside Terraform.` }),
    objects.length ? objects.map((o) => object(box, o)) : empty("The cloud is empty",
      "Resources appear here after an apply. You can then change them outside Terraform to cause drift."),
  ];
});

const faultText = (f) => `${f.code || "slow"}${f.op ? " on " + f.op : ""}${f.type ? " of " + f.type : ""}${f.count ? ` (${f.count} left)` : ""}`;

async function refuse(box) {
  await order(box, "/control/faults", { cloud: [{ op: "create", code, count: 1 }] },
    "The next create will be refused.");
}

const clear = (box) => order(box, "/control/faults", { clear: true }, "All faults are cleared.");

async function order(box, path, body, say) {
  try {
    await post(path, body);
    toast(say);
    lookCloud(box);
    return true;
  } catch (err) {
    fail(err);
    return false;
  }
}

function object(box, o) {
  const at = `${o.type} ${o.id}`;
  return h("details", { class: "object", data: { at } },
    h("summary", {}, h("b", { text: o.id }), " ", h("code", { class: "muted", text: o.type }),
      o.contents > 0 && badge(plural(o.contents, "object") + " inside")),
    facts([["Created", when(o.createdAt, true)], ["Updated", when(o.updatedAt, true)]]),
    h("div", { class: "bar" },
      h("button", { type: "button", class: "btn small", "aria-label": `Change ${o.id} from outside`,
        data: { focus: "change " + at }, onclick: () => change(box, o) }, "Change from outside…"),
      h("button", { type: "button", class: "btn small", "aria-label": `Delete ${o.id} from outside`,
        data: { focus: "delete " + at }, onclick: () => remove(box, o) }, "Delete from outside…")),
    h("div", { class: "json" }, tree(o.attributes || {}, at)));
}

// change asks for an attribute and its new value, like a change in the AWS console.
async function change(box, o) {
  const names = Object.keys(o.attributes || {}).filter((n) => n !== "id" && n !== "arn").sort();
  const start = names.includes("tags") ? "tags" : names[0] || "tags";
  const value = h("textarea", { class: "control", id: "drift-value", rows: 5, spellcheck: "false" });
  const show = (name) => { value.value = JSON.stringify(o.attributes?.[name] ?? null, null, 1); };
  const name = h("select", { class: "control", id: "drift-name", onchange: (e) => show(e.target.value) },
    names.map((n) => h("option", { value: n, text: n, selected: n === start })));
  show(start);
  const wrong = h("p", { class: "error", role: "alert" });
  const body = h("div", {},
    h("p", { text: "Terraform does not know about this change. The next plan or drift check detects it." }),
    h("div", { class: "field" }, h("label", { class: "label", for: "drift-name", text: "Attribute" }), name),
    h("div", { class: "field" }, h("label", { class: "label", for: "drift-value", text: "New value, as JSON" }),
      value), wrong);
  for (;;) {
    if ((await dialog(`Change ${o.id}`, body, [["Cancel", "", ""], ["Change it", "yes", "primary"]])) !== "yes") return;
    let parsed;
    try {
      parsed = JSON.parse(value.value);
    } catch (err) {
      wrong.textContent = `This is not valid JSON: ${err.message}. Put text in quotes.`;
      continue;
    }
    await order(box, "/control/cloud", { type: o.type, id: o.id, attributes: { [name.value]: parsed } },
      `${name.value} of ${o.id} was changed.`);
    return;
  }
}

async function remove(box, o) {
  const said = await dialog(`Delete ${o.id}?`,
    h("p", { text: "This also deletes its dependent objects. Terraform's state still lists it, so the next plan will re-create it." }), [["Cancel", "", ""], ["Delete it", "yes", "danger"]], "small");
  if (said === "yes") await order(box, "/control/cloud", { type: o.type, id: o.id, remove: true },
    `${o.id} was deleted.`);
}

