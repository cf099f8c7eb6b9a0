// The counters of the simulators.
import { h } from "../dom.js";
import { get } from "../api.js";
import { load, tree } from "./draw.js";

const sum = (o) => Object.values(o || {}).reduce((n, v) => n + (typeof v === "number" ? v : sum(v)), 0);

export const lookCounts = (box) => load(box, async () => {
  const c = await get("/control/counts");
  const s3 = c.s3 || [];
  const writes = s3.filter((x) => x.principal === "app").reduce((n, x) => n + x.effects, 0);
  const big = [
    ["Pull requests opened", sum(c.github.pullRequests)], ["Runs started", sum(c.github.runs)],
      ["Merges", sum(c.github.merges)],
    ["Webhooks sent", sum(c.github.deliveries)],
      ["GitHub calls by the app", sum(c.github.calls.app) + sum(c.github.calls.installation)],
    ["Slack messages posted", sum(c.slack.posts)], ["Slack edits", sum(c.slack.updates)],
      ["Late answers to Slack", c.slack.lateAcks + c.slack.unacked],
    ["S3 calls by the app", s3.filter((x) => x.principal === "app").reduce((n, x) => n + x.calls, 0)],
      ["S3 objects written by the app", writes],
  ];
  return [
    h("p", { class: "muted", text: "One pull request for each request, one run for each attempt, one merge, one card for each channel and requester." }),
    h("dl", { class: "big" }, big.map(([name, n]) => h("div", {}, h("dt", { text: name }),
      h("dd", { text: String(n) })))),
    ...[["GitHub", c.github], ["Slack", c.slack]].map(([name, all]) => h("details",
      { class: "object", data: { at: name } }, h("summary", { text: `Everything about ${name}` }),
      h("div", { class: "json" }, tree(all, name)))),
    h("details", { class: "object", data: { at: "S3" } }, h("summary", { text: "Everything about S3" }),
      h("div", { class: "table-scroll" }, h("table", { class: "grid" },
      h("thead", {}, h("tr", {}, ["Who", "What", "Where", "Calls",
        "Changes"].map((t) => h("th", { scope: "col", text: t })))),
      h("tbody", {}, s3.map((x) => h("tr", {},
        [x.principal, x.verb, `${x.bucket}/${x.prefix}`, x.calls,
        x.effects].map((v) => h("td", { text: String(v) })))))))),
  ];
});
