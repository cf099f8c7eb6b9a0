// Navigation: users, channels, threads, panes. Everything that is drawn listens to "view".
import { $, toast } from "./dom.js";
import { get, post } from "./api.js";
import { app, channelOf, emit, keep, takeSlack } from "./app.js";

let going = "";

// goUser switches to another user once their workspace is loaded, so that no one sees another person's
// messages.
export async function goUser(login) {
  if (login === app.user) return;
  going = login;
  let state;
  try {
    state = await get("/control/state", { user: login });
  } catch (err) {
    toast(err.message, "bad");
    emit("view"); // selects the current user again
    return;
  }
  if (going !== login) return;
  app.user = login;
  keep("user", login);
  $("live").replaceChildren(); // the announcement was for the other user
  if (app.channel.startsWith("D")) app.channel = "im"; // their own direct messages
  takeSlack(state);
  openedHome();
  emit("view");
}

// openedHome lets Slack tell the app that the person opened its Home tab; the app then publishes it.
function openedHome() {
  if (app.channel === "home") post("/control/home", { user: app.user }).catch((err) => toast(err.message, "bad"));
}

export function goChannel(id) {
  app.channel = id;
  openedHome();
  app.thread = "";
  pane("chat");
  right("panel");
  emit("view");
}

export function openThread(ts) {
  app.thread = ts;
  right("thread");
  pane("thread");
  emit("view");
}

export function closeThread() {
  app.thread = "";
  right("panel");
  if (document.body.dataset.pane === "thread") pane("chat");
  emit("view");
}

// goTo shows one message, in its thread if it has one.
export function goTo({ channel, ts, thread }) {
  if (!channelOf(channel)) return;
  app.channel = channel;
  app.thread = "";
  pane("chat");
  emit("view");
  if (thread) openThread(thread);
  document.dispatchEvent(new CustomEvent("show-message", { detail: ts }));
}

// pane selects what a narrow window shows.
export function pane(name) {
  document.body.dataset.pane = name;
  emit("pane");
}

// right selects what is on the right of a wide window.
export function right(name) {
  document.body.dataset.right = name;
  emit("pane");
}
