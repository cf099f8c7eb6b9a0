// Workflow runs with their steps and logs.
import { empty, h, when } from "../dom.js";
import { get } from "../api.js";
import { chosenRequest } from "../app.js";
import { badge, external, facts, kindOf, load, rows, spinner, tick } from "./draw.js";

let chosen = "", followed = "", again = 0;

// A run's log grows without an event, so an open run is refreshed regularly.
function follow(box, run) {
  clearTimeout(again);
  if (run.status !== "completed") again = setTimeout(() => { if (box.offsetParent &&
    document.visibilityState === "visible") lookRuns(box); }, 1500);
}

export const lookRuns = (box) => load(box, async () => {
  const { runs, all } = await get("/view/runs");
  if (!runs.length) return empty("No run yet",
    "Plans, applies and destroys are workflow runs: the shipped workflow files with the real Terraform.");
  const row = chosenRequest();
  if (row && row.run && followed !== `${row.id} ${row.run}`) {
    followed = `${row.id} ${row.run}`;
    chosen = `${row.repo} ${row.run}`;
  }
  if (!runs.some((r) => idOf(r) === chosen)) chosen = idOf(runs[0]);
  const at = runs.find((r) => idOf(r) === chosen);
  const { run, cut } = await get("/view/run", { repo: at.repo, id: at.id });
  follow(box, run);
  return [
    h("details", { class: "pick", data: { at: "runs" } }, h("summary", { text: all === 1 ? "1 run" : `${all} runs` }),
      rows("Runs", runs.map((r) => [idOf(r), r]), chosen, (id) => { chosen = id; lookRuns(box); }, line)),
    detail(run, cut),
  ];
});

const idOf = (r) => `${r.repo} ${r.id}`;
const word = (r) => (r.status === "completed" ? r.conclusion.replaceAll("_", " ") : r.status.replaceAll("_", " "));
const tag = (r) => badge(word(r), r.status === "completed" ? kindOf(r.conclusion) : "violet");
const line = (r) => [tag(r), h("span", { class: "row-text" }, h("b", { text: r.title }),
  h("small", { class: "muted" }, `${r.repo} · `, when(r.createdAt, true)))];

function detail(r, cut) {
  return h("article", {},
    h("h3", { class: "look-title" }, r.name, " ", tag(r), r.status !== "completed" && spinner()),
    r.problem && h("p", { class: "note error", text: r.problem }),
    facts([["Run", external(r.url, `${r.repo} · ${r.id}`)], ["Title", h("code", { text: r.title })],
      ["Started by", r.actor], ["Commit", h("code", { text: r.sha.slice(0, 12) })],
      ["Started", r.startedAt && when(r.startedAt, true)],
      ["Attempt", r.attempts > 1 ? `${r.attempt} of ${r.attempts}` : ""]]),
    h("h4", { text: "Steps" }),
    (r.steps || []).length ? h("ol", { class: "run-steps" }, r.steps.map(stepLine)) : h("p",
      { class: "muted", text: r.status === "queued" ? "Waiting in the queue." : "No steps yet." }),
    h("h4", { text: "Log" }), cut && h("p", { class: "muted", text: "The beginning is cut off." }),
    h("pre", { class: "code log", tabindex: "0", "aria-label": "Log of the run",
      data: { scroll: `log-${r.id}-${r.attempt}`, tail: r.status !== "completed" ? "yes" : "" } },
      r.log ? r.log.split("\n").map(logLine) : "No output yet."),
    h("details", { data: { at: "inputs" } }, h("summary", { text: "Inputs" }),
      facts(Object.entries(r.inputs || {}).map(([k, v]) => [k, h("code", { text: v })]))));
}

// logLine highlights what the runner marked: groups, errors, warnings.
function logLine(line) {
  const m = line.match(/^##\[(group|endgroup|error|warning|notice|debug)\](.*)$/);
  if (!m) return line + "\n";
  return m[1] === "endgroup" ? "" : h("span", { class: `log-${m[1]}`, text: m[2] + "\n" });
}

function stepLine(s) {
  const running = s.Status !== "completed";
  const state = running ? "running" : kindOf(s.Conclusion);
  return h("li", {}, tick(state), h("span", { text: s.Name }),
    h("span", { class: "muted", text: running ? " running" : s.Conclusion === "success" ? "" : ` ${s.Conclusion}` }));
}
