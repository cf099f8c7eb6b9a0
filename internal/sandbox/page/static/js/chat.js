// The middle: one channel with its messages, or the Home tab of the app, and the thread beside it.
import { $, announce, empty, fill, h, reconcile } from "./dom.js";
import { app, channelName, channelOf, me } from "./app.js";
import { blocks } from "./block.js";
import { drawComposer } from "./composer.js";
import { closeThread } from "./go.js";
import { isHidden, message, print } from "./message.js";
import { welcome } from "./journey.js";
import { markRead } from "./side.js";
import { viewContext } from "./modal.js";

const step = 60; // messages drawn at once
let shown = { channel: "", user: "", count: step };
let announced = "";

export function startChat() {
  $("earlier").addEventListener("click", () => {
    const box = $("chat-scroll"), below = box.scrollHeight - box.scrollTop;
    shown.count += step;
    drawChat();
    box.scrollTop = box.scrollHeight - below;
  });
  sticking($("chat-scroll"));
  $("newest").addEventListener("click", () => toEnd($("chat-scroll")));
  $("chat-scroll").addEventListener("scroll", () => { if (atEnd($("chat-scroll"))) $("newest").hidden = true; });
  document.addEventListener("show-message", (e) => requestAnimationFrame(() => showMessage(e.detail)));
  document.addEventListener("visibilitychange", () => markRead(channelOf(app.channel)));
}

// sticking keeps the end of the messages visible when the box changes its size.
function sticking(box) {
  let end = true, height = 0;
  box.addEventListener("scroll", () => { if (box.clientHeight === height) end = atEnd(box); });
  new ResizeObserver(() => {
    height = box.clientHeight;
    if (end) toEnd(box);
  }).observe(box);
  return box;
}

const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 40;
const toEnd = (box) => { box.scrollTop = box.scrollHeight; };

const about = {
  "infra-dev": "core · dev/app", "infra-prod": "core · prod/app, protected", payments: "payments · dev/api",
};

export function drawChat() {
  const c = channelOf(app.channel);
  const moved = shown.channel !== app.channel || shown.user !== app.user;
  if (moved) shown = { channel: app.channel, user: app.user, count: step };
  if (app.channel === "home") return drawHome();
  $("chat").classList.remove("home");
  $("chat-title").textContent = c ? channelName(c) : "…";
  $("chat-about").textContent = !c ? "" : c.kind === "im" ? "Direct messages from TfPilot" : about[c.name] || "";
  $("chat").setAttribute("aria-label", c ? `Channel ${channelName(c)}` : "Channel");
  drawMessages(c, moved);
  drawComposer($("composer"), c, "");
  drawThread(c);
  markRead(c);
}

function drawMessages(c, moved) {
  const box = $("chat-scroll");
  const stay = !moved && !atEnd(box);
  const all = c ? [...c.messages,
    ...c.ephemerals.filter((m) => !m.thread && !isHidden(m))].sort((a, b) => (a.ts < b.ts ? -1 : 1)) : [];
  const items = all.slice(-shown.count);
  $("earlier").hidden = items.length === all.length;
  $("earlier").textContent = `Show earlier messages (${all.length - items.length})`;
  const drawn = $("messages").lastElementChild?.dataset.key || "";
  reconcile($("messages"), items, (m) => m.channel + m.ts + (m.ephemeral ? "e" : ""), print, (m) => message(m, false));
  drawStatus(c);
  const newest = items.at(-1);
  if (!stay) toEnd(box);
  else if (newest && newest.channel + newest.ts > drawn) $("newest").hidden = false;
  if (newest && newest.ts > announced && newest.user !== me()?.slackUser &&
    !moved) announce(`${newest.name}: ${newest.text}`);
  if (newest && newest.ts > announced) announced = newest.ts;
  if (!c || all.length) fill($("hint"));
  else if (!app.requests.length && c.kind !== "im") {
    if (!$("hint").querySelector(".welcome")) fill($("hint"), welcome());
  } else fill($("hint"), empty(c.kind === "im" ? "Nothing here yet" : `This is the beginning of ${channelName(c)}`,
    c.kind === "im" ? "Cards of your own requests appear here." : "Cards of requests for this environment appear here. Their threads show what needs attention."));
}

function drawStatus(c) {
  const waits = (app.slack?.pending ||
    []).map((p) => (p.kind === "command" ? `Sending ${p.what}…` : "Waiting for TfPilot…"));
  const text = c?.status ? `TfPilot ${c.status}` : waits[0] || "";
  let line = $("typing");
  if (!line) $("chat-scroll").append((line = h("p", { id: "typing", class: "typing", "aria-live": "polite" })));
  if (line.textContent !== text) line.textContent = text;
}

function drawHome() {
  const home = app.slack?.home;
  $("chat").classList.add("home");
  $("chat-title").textContent = "TfPilot";
  $("chat-about").textContent = "Home";
  $("earlier").hidden = $("newest").hidden = true;
  fill($("composer"));
  fill($("hint"));
  $("typing")?.remove();
  const items = home ? [home] : [];
  reconcile($("messages"), items, (v) => v.id, (v) => v.hash,
    (v) => h("li", { class: "home-view" }, blocks(v.blocks, viewContext(v))));
  if (!home) fill($("hint"), empty("Nothing here yet", "TfPilot has not published a Home tab for you."));
}

export function drawThread(c) {
  const box = $("thread");
  const root = app.thread && c?.messages.find((m) => m.ts === app.thread);
  box.hidden = !root;
  document.body.classList.toggle("threaded", Boolean(root));
  if (!root) {
    fill(box);
    delete box.dataset.thread;
    return;
  }
  const place = `${app.user} ${root.ts}`;
  if (box.dataset.thread !== place) {
    box.dataset.thread = place;
    fill(box, h("header", { class: "chat-head" },
      h("div", {}, h("h2", { text: "Thread" }), h("p", { text: channelName(c) })),
      h("button", { type: "button", class: "x", "aria-label": "Close the thread", data: { focus: "thread-close" },
        onclick: closeThread }, "×")),
    sticking(h("div", { class: "chat-scroll", tabindex: "0", role: "group", "aria-label": "Messages of the thread" },
      h("ol", { class: "messages" }))),
    h("div", { class: "thread-composer" }));
    box.querySelector("[data-focus=thread-close]").focus({ preventScroll: true });
  }
  const scroll = box.querySelector(".chat-scroll"), list = box.querySelector(".messages"),
    stick = !list.children.length || atEnd(scroll);
  const items = [root, ...(root.replies || []), ...c.ephemerals.filter((m) => m.thread === root.ts && !isHidden(m))];
  const before = list.children.length;
  reconcile(list, items, (m) => m.ts, print, (m) => message(m, true));
  drawComposer(box.querySelector(".thread-composer"), c, root.ts);
  if (stick && (before || items.length > 1)) toEnd(scroll);
}

function showMessage(ts) {
  const el = $("m-t-" + ts) || $("m-" + ts);
  if (!el) return;
  el.scrollIntoView({ block: "center" });
  el.classList.remove("flash");
  void el.offsetWidth; // restarts the animation
  el.classList.add("flash");
}

