// Webhooks that GitHub sent, with a button to send them again.
import { empty, h, plural, toast, when } from "../dom.js";
import { get, post } from "../api.js";
import { fail } from "../message.js";
import { badge, load } from "./draw.js";

export const lookHooks = (box) => load(box, async () => {
  const { deliveries, all } = await get("/view/deliveries");
  if (!deliveries.length) return empty("No webhook yet",
    "GitHub notifies TfPilot of pull requests, reviews and runs. Each delivery is listed here.");
  const failed = deliveries.filter((d) => d.code < 200 || d.code > 299).length;
  return [
    h("div", { class: "bar" }, h("p",
      { class: "muted", text: `${plural(all, "delivery", "deliveries")}${all > deliveries.length ? `, the newest ${deliveries.length} shown` : ""}` }),
      h("button", { type: "button", class: "btn small", disabled: !failed, data: { focus: "replay-failed" },
        onclick: () => replay(box, 0) }, "Redeliver all failed")),
    h("ol", { class: "hooks", "aria-label": "Deliveries, newest first" }, deliveries.map((d) => line(box, d))),
  ];
});

const short = 28; // visible length of an error; the tooltip shows the rest

function line(box, d) {
  const good = d.code >= 200 && d.code < 300;
  const said = d.code ? String(d.code) : d.status || "no answer";
  return h("li", {},
    h("span", { class: "row-text" }, h("code", { text: d.action ? `${d.event}.${d.action}` : d.event }),
      h("small", { class: "muted" }, when(d.at, true), d.redelivery && " · sent again")),
    h("span", { title: said }, badge(said.length > short ? said.slice(0, short) + "…" : said, good ? "good" : "bad")),
    h("button", { type: "button", class: "btn small",
      "aria-label": `Send ${d.event} ${d.action} of ${new Date(d.at).toLocaleTimeString()} again`,
      data: { focus: "replay-" + d.id }, onclick: () => replay(box, d.id) }, "Redeliver"));
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
