// The request's document in the bucket, with the objects that its runs wrote.
import { empty, h, when } from "../dom.js";
import { get } from "../api.js";
import { app, chosenRequest } from "../app.js";
import { badge, copyable, facts, load, tree } from "./draw.js";

export const lookDocument = (box) => load(box, async () => {
  const row = chosenRequest();
  if (!row) return empty("No request yet",
    "When you create a request, its document appears here. TfPilot stores the facts of a request only there.");
  const { row: now, document: doc, objects } = await get("/view/request", { id: row.id });
  return [
    h("h3", { class: "look-title" }, now.title, " ", badge(now.headline, now.next.code === "fix" ? "bad" : ""),
      now.archived && badge("archived")),
    now.problem && h("p", { class: "note error", text: now.problem }),
    facts([
      ["Requested by", now.requester], ["Environment", `${now.project} ${now.environment}`], ["Module", now.module],
      ["Updated", when(now.updatedAt, true)], ["ID", copyable(now.id)],
        ["Location", copyable(`s3://${app.sandbox.requestsBucket}/${doc.key}`)],
    ]),
    h("h4", { text: "Document" }), raw(doc, true),
    objects.length > 0 && [h("h4", { text: "Objects written by its runs, and its log" }),
      h("div", { class: "objects" }, objects.map((o) => object(o)))],
  ];
});

function raw(stored) {
  if (stored.cut) return h("pre", { class: "code", text: stored.text + "\n… cut" });
  try {
    return h("div", { class: "json" }, tree(JSON.parse(stored.text)));
  } catch {
    return h("pre", { class: "code", text: stored.text });
  }
}

function object(o) {
  return h("details", { class: "object", data: { at: o.key } },
    h("summary", {}, h("code", { text: o.key }), h("span", { class: "muted", text: ` ${o.bytes} bytes` })),
    o.key.endsWith(".json") ? raw(o) : h("pre", { class: "code", text: o.text }));
}
