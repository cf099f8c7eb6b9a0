// Look inside: tabs with viewers. A viewer draws itself when its tab is opened.
import { $, fill, h } from "./dom.js";
import { keep, on, read } from "./app.js";
import { right } from "./go.js";
import { lookDocument } from "./look/document.js";
import { lookPull } from "./look/pull.js";
import { lookRuns } from "./look/run.js";
import { lookState } from "./look/state.js";
import { lookCloud } from "./look/cloud.js";
import { lookHooks } from "./look/hook.js";
import { lookFaults } from "./look/fault.js";

const tabs = [
  ["document", "Request", lookDocument, "requests chosen"],
  ["pull", "Pull request", lookPull, "github requests chosen"],
  ["runs", "Runs", lookRuns, "github chosen"],
  ["state", "State", lookState, "state chosen"],
  ["cloud", "Cloud", lookCloud, "cloud"],
  ["hooks", "Webhooks", lookHooks, "github"],
  ["faults", "Faults", lookFaults, "cloud slack"],
];

let chosen = read("tab", "document");

export function startPanel() {
  if (!tabs.some(([id]) => id === chosen)) chosen = "document";
  const buttons = tabs.map(([id, name]) => h("button", {
    type: "button", role: "tab", id: `tab-${id}`, class: "tab", "aria-controls": `look-${id}`,
      onclick: () => showTab(id), text: name,
  }));
  const list = h("div", { class: "tabs", role: "tablist", "aria-label": "Look inside", onkeydown: move }, buttons);
  const bodies = tabs.map(([id]) => h("div",
    { class: "look", role: "tabpanel", id: `look-${id}`, "aria-labelledby": `tab-${id}`, tabindex: "0",
    hidden: true }));
  fill($("panel"), list, bodies);
  for (const [id, , look, topics] of tabs) on(topics, () => { if (id === chosen) look($(`look-${id}`)); });
  showTab(chosen, true);
}

function move(e) {
  const at = tabs.findIndex(([id]) => id === chosen);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[e.key];
  if (to === undefined) return;
  e.preventDefault();
  const id = tabs[(to + tabs.length) % tabs.length][0];
  showTab(id);
  $(`tab-${id}`).focus();
}

export function showTab(id, quiet) {
  chosen = id;
  keep("tab", id);
  if (!quiet) right("panel");
  for (const [name, , look] of tabs) {
    const mine = name === id, tab = $(`tab-${name}`);
    tab.setAttribute("aria-selected", String(mine));
    tab.tabIndex = mine ? 0 : -1;
    $(`look-${name}`).hidden = !mine;
    if (mine) look($(`look-${name}`));
  }
}
