// Assembles the page.
import { $, fill, focusOf, h, restore, svg, toast } from "./dom.js";
import { app, channelName, channelOf, keep, live, me, on, read, readSandbox, setOnline } from "./app.js";
import { drawChat, startChat } from "./chat.js";
import { drawJourney } from "./journey.js";
import { drawModal } from "./modal.js";
import { drawSide } from "./side.js";
import { pane } from "./go.js";
import { startPanel } from "./panel.js";
import { help } from "./help.js";

// keeping redraws a part and restores the focus in it.
const keeping = (id, draw) => () => {
  const focus = focusOf($(id));
  draw();
  restore($(id), focus);
};

const side = keeping("side", drawSide);
const journey = keeping("journey", drawJourney);

const half = [["circle", { cx: 10, cy: 10, r: 7, fill: "none", stroke: "currentColor", "stroke-width": 2 }],
  ["path", { d: "M10 3a7 7 0 0 1 0 14z", fill: "currentColor" }]];
const themes = ["auto", "light", "dark"];

function theme(next) {
  const root = document.documentElement;
  const now = next ? themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length] : root.dataset.theme;
  root.dataset.theme = now;
  if (next) keep("theme", now);
  fill($("theme-toggle"), svg(half), h("span", { class: "wide", text: "Theme:" }), now);
  $("theme-toggle").setAttribute("aria-label", `Theme: ${now}`);
}

function panes() {
  const now = document.body.dataset.pane;
  const c = channelOf(app.channel);
  const item = (id, name) => h("button",
    { type: "button", class: "pane", "aria-pressed": String(now === id), data: { focus: "pane-" + id },
    onclick: () => pane(id), text: name });
  const focus = focusOf($("panes"));
  fill($("panes"), item("side", me() ? `${app.user} · channels` : "Channels"),
    item("chat", c ? channelName(c) : "Channel"), app.thread && item("thread", "Thread"), item("panel", "Look inside"));
  restore($("panes"), focus);
}

function connection() {
  $("banner").hidden = app.online;
  if (app.online) {
    fill($("banner"));
    return;
  }
  fill($("banner"), h("p", { text: "The sandbox does not respond. If you stopped it, start it again. This page reconnects automatically." }),
    h("button", { type: "button", class: "btn small", text: "Try now", onclick: () => again() }));
}

let again = () => {};

async function start() {
  app.user = read("user", "dana");
  theme(false);
  startChat();
  $("theme-toggle").addEventListener("click", () => theme(true));
  $("help-open").addEventListener("click", help);
  on("slack read view", side);
  on("slack view requests", drawChat);
  on("slack", drawModal);
  on("requests chosen slack view", journey);
  on("slack view pane", panes);
  on("online", connection);
  await loadSandbox();
  if (!me()) app.user = "dana";
  startPanel();
  side();
  journey();
  panes();
  again = live();
}

// loadSandbox retries until the sandbox answers.
async function loadSandbox() {
  for (;;) {
    try {
      await readSandbox();
      setOnline(true);
      return;
    } catch {
      setOnline(false);
      await new Promise((done) => setTimeout(done, 1500));
    }
  }
}

start().catch((err) => {
  console.error(err);
  toast("The page could not start. Reload it.", "bad");
});
