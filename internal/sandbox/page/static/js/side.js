// The sidebar: the current user, and the channels.
import { $, fill, h, svg } from "./dom.js";
import { app, channelName, emit, keep, me, read } from "./app.js";
import { goChannel, goUser } from "./go.js";

const roleMeans = {
  developer: "requests infrastructure", approver: "approves, merges, applies", admin: "can also destroy",
    viewer: "can only view",
};

export function face(login, bot) {
  if (bot) return h("span", { class: "face bot", "aria-hidden": "true" },
    h("img", { src: "/static/icon.svg", alt: "", width: 36, height: 36 }));
  const color = [...(login || "?")].reduce((n, c) => n + c.charCodeAt(0), 0) % 6;
  return h("span", { class: `face c${color}`, "aria-hidden": "true", text: (login || "?").slice(0, 1).toUpperCase() });
}

export function drawSide() {
  fill($("side"), people(), channels(), foot());
}

function people() {
  return h("fieldset", { class: "people" }, h("legend", { text: "You are" }),
    (app.sandbox?.people || []).map((p) => h("label", { class: "who" },
      h("input", { type: "radio", name: "user", value: p.login, checked: p.login === app.user,
        "aria-label": `${p.login}, ${p.role}`, data: { focus: "user-" + p.login }, onchange: () => goUser(p.login) }),
      face(p.login), h("span", { class: "who-text" }, h("b", { text: p.login }),
        h("small", { text: p.role, title: roleMeans[p.role] })))));
}

const hash = [["path", { d: "M7.500 3 6 17M14 3l-1.500 14M3.500 7.500h13M3 12.500h13", stroke: "currentColor",
  "stroke-width": 1.600, fill: "none", "stroke-linecap": "round" }]];

function channels() {
  const all = app.slack?.channels || [];
  const item = (id, name, icon, unread) => h("li", {}, h("button", {
    type: "button", class: unread ? "place unread" : "place", "aria-current": app.channel === id ? "page" : null,
    "aria-label": unread ? `${name}, unread` : name, data: { focus: "place-" + id }, onclick: () => goChannel(id),
  }, icon, h("span", { text: name.replace(/^#/, "") }), unread && h("span", { class: "dot", "aria-hidden": "true" })));
  const section = (title, items) => items.length > 0 &&
    [h("h2", { class: "side-title", text: title }), h("ul", { class: "places" }, items)];
  return [
    section("Channels", all.filter((c) => c.kind !== "im").map((c) => item(c.id, channelName(c), svg(hash),
      unread(c)))),
    section("Direct messages", all.filter((c) => c.kind === "im").map((c) => item(c.id, channelName(c),
      face("", true), unread(c)))),
    app.slack?.bot.home && section("Apps", [item("home", "Home of TfPilot", face("", true), false)]),
  ];
}

function foot() {
  const n = app.slack?.sockets ?? 0;
  const up = n > 0;
  return h("p", { class: up ? "app-state up" : "app-state" }, h("span", { class: "lamp", "aria-hidden": "true" }),
    up ? `TfPilot is connected (${n})` : "TfPilot is not connected");
}

// newestOf returns the newest time stamp of another person's message in a channel.
function newestOf(c) {
  let newest = "";
  for (const m of c.messages) {
    for (const one of [m, ...(m.replies || [])]) if (one.user !== me()?.slackUser && one.ts > newest) newest = one.ts;
  }
  for (const m of c.ephemerals) if (m.ts > newest) newest = m.ts;
  return newest;
}

const readKey = (c) => `read:${app.user}:${c.id}`;
const unread = (c) => newestOf(c) > read(readKey(c), "");

// markRead records that the messages of a channel were seen.
export function markRead(c) {
  if (document.visibilityState !== "visible" || !c) return;
  const newest = newestOf(c);
  if (newest > read(readKey(c), "")) {
    keep(readKey(c), newest);
    emit("read");
  }
}
