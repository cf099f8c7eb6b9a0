// The strip at the top: the steps of a request, from the product's view, and what a new user
// can do next in this sandbox.
import { $, fill, h, svg } from "./dom.js";
import { app, channelOf, chosenRequest, emit, me } from "./app.js";
import { compose } from "./composer.js";
import { goChannel, goTo, goUser, openThread, pane } from "./go.js";
import { showTab } from "./panel.js";
import { help } from "./help.js";

const names = ["Pull request", "Plan", "Approval", "Merge", "Apply"]; // before there is a request
const marks = {
  done: [["path", { d: "M5 10.500l3.500 3.500L15 6.500", fill: "none", stroke: "currentColor", "stroke-width": 2.600,
    "stroke-linecap": "round", "stroke-linejoin": "round" }]],
  failed: [["path", { d: "M6 6l8 8M14 6l-8 8", fill: "none", stroke: "currentColor", "stroke-width": 2.600,
    "stroke-linecap": "round" }]],
  running: [["circle", { cx: 10, cy: 10, r: 4, fill: "currentColor" }]],
  waiting: [["circle", { cx: 10, cy: 10, r: 4, fill: "currentColor" }]],
};

export function drawJourney() {
  const row = chosenRequest();
  const strip = $("journey");
  if (row) delete strip.dataset.first;
  else strip.dataset.first = "yes";
  const steps = row ? row.steps : names.map((name) => ({ name, state: "pending", note: "not started" }));
  fill(strip,
    h("div", { class: "journey-top" },
      row ? picker(row) : h("p", { class: "journey-title", text: "The journey of a request" }),
      h("ol", { class: "steps" }, steps.map(step))),
    next(row));
}

function picker(row) {
  return h("label", { class: "picker" }, h("span", { class: "unseen", text: "Request to follow" }),
    h("select", { class: "control", value: row.id, data: { focus: "picker" }, onchange: (e) => choose(e.target.value) },
      app.requests.map((r) => h("option",
        { value: r.id, selected: r.id === row.id, text: `${r.title} · ${r.project} ${r.environment}` }))));
}

export function choose(id) {
  app.request = id;
  emit("chosen");
}

function step(s) {
  const now = s.state === "running" || s.state === "waiting";
  return h("li", { class: `step ${s.state}`, "aria-current": now ? "step" : null },
    h("span", { class: "step-mark", "aria-hidden": "true" }, marks[s.state] && svg(marks[s.state])),
    h("span", { class: "step-name" }, s.name), h("span", { class: "unseen", text: `: ${s.note}` }),
    h("span", { class: "step-note", "aria-hidden": "true", title: s.note, text: s.note }));
}

// next shows what happens now, or who can act next.
function next(row) {
  const [text, ...buttons] = advice(row);
  return h("p", { class: "next", role: "status" }, h("b", { text: "Next: " }),
    h("span", {}, text.split(/(\/tfpilot request)/).map((part) => (part.startsWith("/") ? h("code",
    { text: part }) : part))), " ",
    buttons.filter(Boolean).map(([name, fn]) => h("button",
      { type: "button", class: "btn small", data: { focus: "next-" + name }, onclick: fn }, name)));
}

// advice returns the product's sentence about the request, and who can act next in this sandbox.
function advice(row) {
  if (!row) return first();
  const other = approver(row), admin = (app.sandbox?.people || []).find((p) => p.role === "admin")?.login;
  const card = ["Open the card", () => openCard(row)];
  const as = (login) => login && login !== app.user &&
    [`Switch to ${login}`, () => goUser(login).then(() => openCard(row))];
  const look = (tab, name) => [name, () => { showTab(tab); pane("panel"); }];
  const run = look("runs", "Watch the run"), says = row.next.text;
  switch (row.next.code) {
    case "approve":
      return [`${says} Someone other than ${row.requester} must approve: switch to ${other}, open the card's thread and click Approve.`, as(other), card];
    case "merge":
      return [`${says} Click Merge on the card as ${other}.`, as(other), card];
    case "apply":
      return [`${says} Click Apply on the card as ${other}.`, as(other), card];
    case "none":
      return [`${says} See them in the cloud. When they are no longer needed, ${admin} can destroy them.`,
        look("cloud", "Open the cloud"), as(admin), card];
    case "fix":
      return [`${row.headline}. ${says} The card explains why and what to do.`, card, look("runs", "Open the run")];
    case "over":
      return [`${says} Request something else, or make it fail.`, again(), look("faults", "Make something fail")];
    default: // TfPilot, a run or another request works
      return [says, run, card];
  }
}

const again = () => ["Start another", start];

function first() {
  const role = me()?.role;
  if (role === "viewer") return ["vic can only view requests. Switch to dana to create one.",
    ["Switch to dana", () => goUser("dana")]];
  return [`as ${app.user}, type /tfpilot request in a channel and press Enter.`, ["Type it for me", start]];
}

// welcome greets a new user in an empty channel.
export function welcome() {
  return h("div", { class: "welcome" },
    h("h3", { text: "Welcome. Request a piece of infrastructure." }),
    h("p", { text: "This is a whole company on your machine: its Slack, its GitHub, its cloud. TfPilot and Terraform are the real ones. Nothing needs an account, and nothing leaves this machine." }),
    h("ol", {},
      h("li", {}, "As ", h("b", { text: "dana" }), ", type ", h("code", { text: "/tfpilot request" }),
        " below and fill in the form."),
      h("li", {}, "Switch to ", h("b", { text: "omar" }), ", open the card's thread, read the plan and approve it."),
      h("li", {}, "Click Merge, then Apply, and see the resources under Cloud.")),
    h("p", { class: "actions" }, h("button", { type: "button", class: "btn primary", onclick: start },
      "Start with a request"), h("button", { type: "button", class: "btn", onclick: help }, "How it works")));
}

function start() {
  if (channelOf(app.channel)?.kind !== "channel") goChannel((app.slack?.channels ||
    []).find((c) => c.kind === "channel")?.id);
  pane("chat");
  requestAnimationFrame(() => compose("/tfpilot request"));
}

// approver is a person who can approve this request: not the requester.
function approver(row) {
  const able = (app.sandbox?.people || []).filter((p) => p.role === "approver" && p.login !== row.requester);
  return able.at(-1)?.login || "";
}

function openCard(row) {
  if (!row.channel) return;
  goTo({ channel: row.channel, ts: row.ts });
  const card = channelOf(row.channel)?.messages.find((m) => m.ts === row.ts);
  if (card?.replyCount) openThread(row.ts);
}
