// Terraform's states.
import { empty, h, plural, when } from "../dom.js";
import { get } from "../api.js";
import { chosenRequest } from "../app.js";
import { badge, copyable, facts, load, rows, tree } from "./draw.js";

let chosen = "", followed = "";

export const lookState = (box) => load(box, async () => {
  const { bucket, states } = await get("/view/states");
  if (!states.length) return empty("No state yet", `Terraform writes one at the first apply, to the bucket ${bucket}.`);
  const row = chosenRequest();
  if (row && followed !== row.id && states.some((s) => s.key === row.stateKey)) {
    followed = row.id;
    chosen = row.stateKey;
  }
  if (!states.some((s) => s.key === chosen)) chosen = states[0].key;
  const state = await get("/view/state", { key: chosen });
  return [
    states.length > 1 && rows("States", states.map((s) => [s.key, s]), chosen,
      (key) => { chosen = key; lookState(box); },
      (s) => h("span", { class: "row-text" }, h("b", { text: s.key }),
        h("small", { class: "muted", text: plural(s.resources.length, "resource") }))),
    detail(state, bucket, states.find((s) => s.key === chosen)),
  ];
});

function detail(s, bucket, head) {
  return h("article", {},
    h("h3", { class: "look-title" }, h("code", { text: s.key }), " ", s.locked && badge("locked", "warn")),
    s.problem && h("p", { class: "note error", text: s.problem }),
    facts([["Location", copyable(`s3://${bucket}/${s.key}`)], ["Serial", String(s.serial)], ["Terraform", s.version],
      ["Written", head && when(head.updatedAt, true)], ["Size", `${s.bytes} bytes`]]),
    h("h4", { text: plural(s.resources.length, "resource") }),
    !s.resources.length && h("p", { class: "muted", text: "This state has no resources." }),
    s.resources.map((r) => h("details", { class: "object", data: { at: r.address } },
      h("summary", {}, h("code", { text: r.address })), h("div", { class: "json" }, tree(r.attributes || {})))));
}
