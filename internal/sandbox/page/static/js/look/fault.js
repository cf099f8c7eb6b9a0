// Faults on demand.
import { fill, h, toast } from "../dom.js";
import { post } from "../api.js";
import { app } from "../app.js";
import { fail } from "../message.js";

const second = 1e9; // Go counts durations in nanoseconds

const groups = [
  ["Webhooks", "TfPilot goes on without them: it asks GitHub by itself.", [
    ["Drop the next webhook", { webhooks: [{ kind: "drop", count: 1 }] }],
    ["Drop all webhooks", { webhooks: [{ kind: "drop" }] }],
    ["Send the next one twice", { webhooks: [{ kind: "duplicate", count: 1 }] }],
    ["Delay the next one by 15 s", { webhooks: [{ kind: "delay", delay: 15 * second, count: 1 }] }],
    ["Let the next two change places", { webhooks: [{ kind: "reorder", count: 1 }] }],
  ]],
  ["GitHub", "Calls are made again; nothing is opened, dispatched or merged twice.", [
    ["502 for the next call", { github: [{ kind: "status", status: 502, count: 1 }] }],
    ["Lose the next answer", { github: [{ kind: "lost", count: 1 }] }],
    ["Rate limit from GitHub on the next call", { github: [{ kind: "limit", count: 1, delay: 2 * second }] }],
  ]],
  ["S3", "Every write is conditional, so that one whose answer is lost is not made twice.", [
    ["500 for the next write", { s3: [{ kind: "internal", verb: "PutObject", count: 1 }] }],
    ["Lose the next write's answer", { s3: [{ kind: "lost", verb: "PutObject", count: 1 }] }],
    ["Slow down the next five calls", { s3: [{ kind: "slowdown", count: 5 }] }],
  ]],
  ["Slack", "Cards are drawn again from the documents.", [
    ["503 for the next call", { slack: [{ kind: "5xx", count: 1 }] }],
    ["Rate limit from Slack on the next call", { slack: [{ kind: "429", count: 1, retryAfter: 2 }] }],
    ["Disconnect a socket", { disconnect: "refresh_requested" }],
  ]],
  ["Redis", "Redis is only a bell: what is due is found again by looking.", [
    ["Flush Redis", { flushRedis: true }],
  ]],
  ["Language model", "Without its answer the form opens empty and says so.", [
    ["No answer to the next question", { model: [{ kind: "hang", count: 1 }] }],
    ["Nonsense as the next answer", { model: [{ kind: "garbage", count: 1 }] }],
  ]],
  ["Cloud", "Terraform's own words come to the card.", [
    ["Refuse the next create", { cloud: [{ op: "create", code: "AccessDenied", count: 1 }] }],
    ["Slow down the next create by 10 s", { cloud: [{ op: "create", delay: 10 * second, count: 1 }] }],
  ]],
];

const ordered = []; // what this page asked for since it was opened

export function lookFaults(box) {
  if (!box.children.length) draw(box);
  const sockets = box.querySelector("[data-sockets]");
  if (sockets) sockets.textContent = `${app.slack?.sockets ?? 0} sockets are open.`;
}

function draw(box) {
  const list = h("ul", { class: "ordered", "aria-label": "Ordered since this page was opened" });
  tell(list);
  fill(box,
    h("div", { class: "bar" }, h("p", { class: "muted", text: "Make something fail, and watch that nothing is lost and nothing happens twice." }),
      h("button", { type: "button", class: "btn", onclick: () => order(list, "Clear all faults", { clear: true }) }, "Clear all faults")),
    groups.map(([name, means, faults]) => h("section", { class: "fault", "aria-label": `Faults of ${name}` },
      h("h4", { text: name }), h("p", { class: "muted small", text: means }), name === "Slack" && h("p", { class: "muted small", data: { sockets: "" } }),
      h("div", { class: "actions" }, faults.map(([text, body]) => h("button", { type: "button", class: "btn small", onclick: () => order(list, text, body) }, text))))),
    h("h4", { text: "Ordered" }), list, h("p", { class: "muted small", text: "Those that name a number end by themselves." }));
}

function tell(list) {
  fill(list, ordered.map(([at, what]) => h("li", {}, h("span", { class: "muted", text: at }), ` ${what}`)), !ordered.length && h("li", { class: "muted", text: "Nothing yet." }));
}

async function order(list, text, body) {
  try {
    await post("/control/faults", body);
    if (body.clear) ordered.length = 0;
    else ordered.unshift([new Date().toLocaleTimeString(), text]);
    ordered.length = Math.min(ordered.length, 20);
    tell(list);
    toast(body.clear ? "All faults are cleared." : `${text}: ordered.`);
  } catch (err) {
    fail(err);
  }
}
