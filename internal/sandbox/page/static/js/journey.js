// The strip at the top: how far a request is, read from its document, and what a
// newcomer does next.
import { $, fill, h, svg } from "./dom.js";
import { app, channelOf, chosenRequest, emit, me } from "./app.js";
import { compose } from "./composer.js";
import { goChannel, goTo, goUser, openThread, pane } from "./go.js";
import { showTab } from "./panel.js";
import { help } from "./reset.js";

const names = ["Request", "Plan", "Approve", "Merge", "Apply", "Destroy", "Cleaned up"];
const marks = {
  done: [["path", { d: "M5 10.500l3.500 3.500L15 6.500", fill: "none", stroke: "currentColor", "stroke-width": 2.600, "stroke-linecap": "round", "stroke-linejoin": "round" }]],
  failed: [["path", { d: "M6 6l8 8M14 6l-8 8", fill: "none", stroke: "currentColor", "stroke-width": 2.600, "stroke-linecap": "round" }]],
  now: [["circle", { cx: 10, cy: 10, r: 4, fill: "currentColor" }]],
};
const words = { done: "done", now: "now", failed: "failed", open: "to come", off: "will not happen" };

export function drawJourney() {
  const row = chosenRequest();
  const strip = $("journey");
  if (row) delete strip.dataset.first;
  else strip.dataset.first = "yes";
  const steps = row ? row.steps : names.map((name) => ({ name, state: "open" }));
  if (!row) steps[0] = { name: names[0], state: "now", note: "" };
  fill(strip,
    h("div", { class: "journey-top" }, row ? picker(row) : h("p", { class: "journey-title", text: "The journey of a request" }), h("ol", { class: "steps" }, steps.map(step))),
    next(row));
}

function picker(row) {
  return h("label", { class: "picker" }, h("span", { class: "unseen", text: "Request to follow" }),
    h("select", { class: "control", value: row.id, data: { focus: "picker" }, onchange: (e) => choose(e.target.value) },
      app.requests.map((r) => h("option", { value: r.id, selected: r.id === row.id, text: `${r.title} · ${r.project} ${r.environment}` }))));
}

export function choose(id) {
  app.request = id;
  emit("chosen");
}

function step(s) {
  return h("li", { class: `step ${s.state}`, "aria-current": s.state === "now" ? "step" : null },
    h("span", { class: "step-mark", "aria-hidden": "true" }, marks[s.state] && svg(marks[s.state])),
    h("span", { class: "step-name" }, s.name), h("span", { class: "unseen", text: `: ${words[s.state]}` }),
    s.note && h("span", { class: "step-note", text: s.note }));
}

// next says what happens now or who can do what.
function next(row) {
  const [text, ...buttons] = advice(row);
  return h("p", { class: "next", role: "status" }, h("b", { text: "Next: " }), h("span", {}, text.split(/(\/tfpilot request)/).map((part) => (part.startsWith("/") ? h("code", { text: part }) : part))), " ",
    buttons.filter(Boolean).map(([name, fn]) => h("button", { type: "button", class: "btn small", data: { focus: "next-" + name }, onclick: fn }, name)));
}

function advice(row) {
  if (!row) return first();
  const other = approver(row), admin = (app.world?.people || []).find((p) => p.role === "admin")?.login;
  const card = ["Open the card", () => openCard(row)];
  const as = (login) => login && login !== app.user && [`Become ${login}`, () => goUser(login).then(() => openCard(row))];
  const look = (tab, name) => [name, () => { showTab(tab); pane("panel"); }];
  switch (row.next) {
    case "plan":
      return ["Terraform is planning in a workflow run.", look("runs", "Watch the run"), card];
    case "approve":
      return [`somebody else than ${row.requester} approves: open the card's thread as ${other} and press Approve.`, as(other), card];
    case "merge":
      return [`press Merge on the card, as ${other}.`, as(other), card];
    case "apply":
      return [`press Apply on the card, as ${other}.`, as(other), card, look("runs", "Watch the run")];
    case "applying":
      return ["Terraform is making it.", look("runs", "Watch the run"), card];
    case "destroy":
      return [`it exists: look at it in the cloud. Once it is not needed, ${admin} may destroy it.`, look("cloud", "Look at the cloud"), as(admin), card];
    case "destroy-plan":
      return ["a plan of the destroy is made first.", look("runs", "Watch the run"), card];
    case "destroy-approve":
      return [`the plan of the destroy waits for an approval by ${other}.`, as(other), card];
    case "destroy-run":
      return ["the destroy is approved and on its way.", look("runs", "Watch the run"), card];
    case "cleanup":
      return ["it is gone; now a pull request takes its code out.", look("pull", "Look at pull requests"), card];
    case "failed":
      return ["a run failed. The card says why and what helps.", card, look("runs", "Look at the run")];
    case "closed":
      return ["it was closed. Ask for something else.", again()];
    default:
      return ["made, used, destroyed, cleaned up. Ask for something else, or make it fail.", again(), look("faults", "Make something fail")];
  }
}

const again = () => ["Start another", start];

function first() {
  const role = me()?.role;
  if (role === "viewer") return ["vic may only look. Become dana to ask for something.", ["Become dana", () => goUser("dana")]];
  return [`as ${app.user}, type /tfpilot request in a channel and press Enter.`, ["Type it for me", start]];
}

// welcome is what a newcomer sees where the messages will be.
export function welcome() {
  return h("div", { class: "welcome" },
    h("h3", { text: "Welcome. Ask for a piece of infrastructure." }),
    h("p", { text: "This is a whole company on your machine: its Slack, its GitHub, its cloud. TfPilot and Terraform are the real ones. Nothing needs an account, and nothing leaves this machine." }),
    h("ol", {},
      h("li", {}, "As ", h("b", { text: "dana" }), ", type ", h("code", { text: "/tfpilot request" }), " below and fill in the form."),
      h("li", {}, "Become ", h("b", { text: "omar" }), " at the left, open the card's thread, read the plan, approve it."),
      h("li", {}, "Press Merge, then Apply, and look at what exists under Cloud.")),
    h("p", { class: "actions" }, h("button", { type: "button", class: "btn primary", onclick: start }, "Start with a request"), h("button", { type: "button", class: "btn", onclick: help }, "How it works")));
}

function start() {
  if (channelOf(app.channel)?.kind !== "channel") goChannel((app.slack?.channels || []).find((c) => c.kind === "channel")?.id);
  pane("chat");
  requestAnimationFrame(() => compose("/tfpilot request"));
}

// approver is somebody who may approve this request: not who asked for it.
function approver(row) {
  const able = (app.world?.people || []).filter((p) => p.role === "approver" && p.login !== row.requester);
  return able.at(-1)?.login || "";
}

function openCard(row) {
  if (!row.channel) return;
  goTo({ channel: row.channel, ts: row.ts });
  const card = channelOf(row.channel)?.messages.find((m) => m.ts === row.ts);
  if (card?.replyCount) openThread(row.ts);
}
