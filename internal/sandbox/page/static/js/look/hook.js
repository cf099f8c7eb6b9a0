// Webhooks that GitHub sent, to be sent again.
import { empty, h, plural, toast, when } from "../dom.js";
import { get, post } from "../api.js";
import { fail } from "../message.js";
import { badge, load } from "./draw.js";

export const lookHooks = (box) => load(box, async () => {
  const { deliveries, all } = await get("/view/deliveries");
  if (!deliveries.length) return empty("No webhook yet", "GitHub tells TfPilot about pull requests, reviews and runs; each delivery is listed here.");
  const failed = deliveries.filter((d) => d.code < 200 || d.code > 299).length;
  return [
    h("div", { class: "bar" }, h("p", { class: "muted", text: `${plural(all, "delivery", "deliveries")}${all > deliveries.length ? `, the newest ${deliveries.length} shown` : ""}` }),
      h("button", { type: "button", class: "btn small", disabled: !failed, data: { focus: "replay-failed" }, onclick: () => replay(box, 0) }, "Send the failed ones again")),
    h("div", { class: "table-scroll" }, h("table", { class: "grid" },
      h("thead", {}, h("tr", {}, ["When", "What", "Answer", ""].map((t) => h("th", { scope: "col", text: t })))),
      h("tbody", {}, deliveries.map((d) => line(box, d))))),
  ];
});

function line(box, d) {
  const good = d.code >= 200 && d.code < 300;
  return h("tr", {},
    h("td", {}, when(d.at, true)), h("td", {}, h("code", { text: d.action ? `${d.event}.${d.action}` : d.event }), d.redelivery && badge("again")),
    h("td", {}, badge(d.code ? String(d.code) : d.status || "no answer", good ? "good" : "bad")),
    h("td", {}, h("button", { type: "button", class: "btn small", "aria-label": `Send ${d.event} ${d.action} of ${new Date(d.at).toLocaleTimeString()} again`, data: { focus: "replay-" + d.id }, onclick: () => replay(box, d.id) }, "Replay")));
}

async function replay(box, delivery) {
  try {
    const { replayed } = await post("/control/webhooks/replay", { delivery });
    toast(`${plural(replayed, "webhook")} sent again.`);
    lookHooks(box);
  } catch (err) {
    fail(err);
  }
}
