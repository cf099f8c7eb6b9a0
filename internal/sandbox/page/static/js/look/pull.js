// Pull requests with their changes.
import { empty, h, when } from "../dom.js";
import { get } from "../api.js";
import { chosenRequest } from "../app.js";
import { badge, external, facts, load, rows } from "./draw.js";

let chosen = "", followed = "";

export const lookPull = (box) => load(box, async () => {
  const { pulls, all } = await get("/view/pulls");
  if (!pulls.length) return empty("No pull request yet",
    "Each request becomes one pull request that changes one file.");
  const row = chosenRequest();
  if (row && row.pull && followed !== row.id) {
    followed = row.id;
    chosen = `${row.repo}#${row.pull}`;
  }
  if (!pulls.some((p) => idOf(p) === chosen)) chosen = idOf(pulls[0]);
  const at = pulls.find((p) => idOf(p) === chosen);
  const pull = await get("/view/pull", { repo: at.repo, number: at.number });
  return [
    h("details", { class: "pick", data: { at: "pulls" } },
      h("summary", { text: all === 1 ? "1 pull request" : `${all} pull requests` }),
      rows("Pull requests", pulls.map((p) => [idOf(p), p]), chosen, (id) => { chosen = id; lookPull(box); }, line)),
    detail(pull),
  ];
});

const idOf = (p) => `${p.repo}#${p.number}`;
const states = { open: "good", merged: "violet", closed: "bad" };
const line = (p) => [badge(p.state, states[p.state]),
  h("span", { class: "row-text" }, h("b", { text: p.title }),
  h("small", { class: "muted" }, `${p.repo} #${p.number} · `, when(p.createdAt)))];

function detail(p) {
  return h("article", {},
    h("h3", { class: "look-title" }, p.title, " ", h("span", { class: "muted", text: `#${p.number}` }), " ",
      badge(p.state, states[p.state])),
    facts([["Repository", external(p.url, p.repo)], ["Branch", h("code", { text: `${p.head} → ${p.base}` })],
      ["Opened by", p.author], ["Merged by", p.mergedBy], ["Head", h("code", { text: p.headSha.slice(0, 12) })]]),
    p.files.map(file),
    !p.files.length && h("p", { class: "muted", text: "No files changed." }),
    h("h4", { text: "Conversation" }),
    h("ol", { class: "talk" }, h("li", {},
      h("p", { class: "by" }, h("b", { text: p.author }), " opened this ", when(p.createdAt)),
      h("pre", { class: "prose", text: p.body || "No description." })),
      (p.talk || []).map((t) => h("li", {},
        h("p", { class: "by" }, h("b", { text: t.author }), " ",
        t.state ? badge(t.state.toLowerCase().replaceAll("_", " "), t.state === "APPROVED" ? "good" : "") : "said",
        " ", when(t.at)), t.body && h("pre", { class: "prose", text: t.body })))));
}

export function file(f) {
  return h("section", { class: "diff", "aria-label": `Changes of ${f.path}` },
    h("p", { class: "diff-head" }, h("code", { text: f.path }),
      h("span", {}, h("span", { class: "plus", text: `+${f.additions}` }), " ",
      h("span", { class: "minus", text: `−${f.deletions}` }))),
    h("pre", { class: "diff-body", tabindex: "0" },
      (f.patch || "").split("\n").map((l) => h("span", { class: lineClass(l), text: l + "\n" }))));
}

const lineClass = (l) => (l.startsWith("@@") ? "hunk" : l.startsWith("+") ? "add" : l.startsWith("-") ? "del" : "same");
