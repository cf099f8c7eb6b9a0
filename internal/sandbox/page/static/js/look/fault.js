// Faults to inject.
import { fill, h, toast } from "../dom.js";
import { post } from "../api.js";
import { app } from "../app.js";
import { fail } from "../message.js";

const second = 1e9; // Go counts durations in nanoseconds

const groups = [
  ["Webhooks", "TfPilot continues without them: it polls GitHub.", [
    ["Drop the next webhook", { webhooks: [{ kind: "drop", count: 1 }] }],
    ["Drop all webhooks", { webhooks: [{ kind: "drop" }] }],
    ["Send the next one twice", { webhooks: [{ kind: "duplicate", count: 1 }] }],
    ["Delay the next one by 15 s", { webhooks: [{ kind: "delay", delay: 15 * second, count: 1 }] }],
    ["Reorder the next two", { webhooks: [{ kind: "reorder", count: 1 }] }],
  ]],
  ["GitHub", "Calls are retried; nothing is opened, dispatched or merged twice.", [
    ["502 for the next call", { github: [{ kind: "status", status: 502, count: 1 }] }],
    ["Lose the next answer", { github: [{ kind: "lost", count: 1 }] }],
    ["Rate limit from GitHub on the next call", { github: [{ kind: "limit", count: 1, delay: 2 * second }] }],
  ]],
  ["S3", "Every write is conditional, so a write is not repeated when its answer is lost.", [
    ["500 for the next write", { s3: [{ kind: "internal", verb: "PutObject", count: 1 }] }],
    ["Lose the next write's answer", { s3: [{ kind: "lost", verb: "PutObject", count: 1 }] }],
    ["Slow down the next five calls", { s3: [{ kind: "slowdown", count: 5 }] }],
  ]],
  ["Slack", "Cards are redrawn from the documents.", [
    ["503 for the next call", { slack: [{ kind: "5xx", count: 1 }] }],
    ["Rate limit from Slack on the next call", { slack: [{ kind: "429", count: 1, retryAfter: 2 }] }],
    ["Disconnect a socket", { disconnect: "refresh_requested" }],
  ]],
  ["Redis", "Redis is only a wake-up signal: pending work is found again by polling.", [
    ["Flush Redis", { flushRedis: true }],
  ]],
  ["Language model", "Without its answer the form opens empty, with a note.", [
    ["No answer to the next prompt", { model: [{ kind: "hang", count: 1 }] }],
    ["Invalid JSON as the next answer", { model: [{ kind: "garbage", count: 1 }] }],
  ]],
  ["Cloud", "The card shows Terraform's error.", [
    ["Refuse the next create", { cloud: [{ op: "create", code: "AccessDenied", count: 1 }] }],
    ["Slow down the next create by 10 s", { cloud: [{ op: "create", delay: 10 * second, count: 1 }] }],
  ]],
];

const injected = []; // faults that were injected since this page was opened

export function lookFaults(box) {
  if (!box.children.length) draw(box);
  const sockets = box.querySelector("[data-sockets]");
  if (sockets) sockets.textContent = `${app.slack?.sockets ?? 0} sockets are open.`;
}

function draw(box) {
  const list = h("ul", { class: "injected", "aria-label": "Faults injected since this page was opened" });
  drawInjected(list);
  fill(box,
    h("div", { class: "bar" }, h("p",
      { class: "muted", text: "Make something fail, and watch that nothing is lost and nothing happens twice." }),
      h("button", { type: "button", class: "btn", onclick: () => order(list, "Clear all faults", { clear: true }) },
        "Clear all faults")),
    groups.map(([name, means, faults]) => h("section", { class: "fault", "aria-label": `Faults of ${name}` },
      h("h4", { text: name }), h("p", { class: "muted small", text: means }),
        name === "Slack" && h("p", { class: "muted small", data: { sockets: "" } }),
      h("div", { class: "actions" },
        faults.map(([text, body]) => h("button",
        { type: "button", class: "btn small", onclick: () => order(list, text, body) }, text))))),
    h("h4", { text: "Injected" }), list,
      h("p", { class: "muted small", text: "Faults for one or more calls end by themselves." }));
}

function drawInjected(list) {
  fill(list, injected.map(([at, what]) => h("li", {}, h("span", { class: "muted", text: at }), ` ${what}`)),
    !injected.length && h("li", { class: "muted", text: "Nothing yet." }));
}

async function order(list, text, body) {
  try {
    await post("/control/faults", body);
    if (body.clear) injected.length = 0;
    else injected.unshift([new Date().toLocaleTimeString(), text]);
    injected.length = Math.min(injected.length, 20);
    drawInjected(list);
    toast(body.clear ? "All faults are cleared." : `${text}: injected.`);
  } catch (err) {
    fail(err);
  }
}
