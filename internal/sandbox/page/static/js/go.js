// Moving about: users, channels, threads, panes. Everything that is drawn listens to
// "view".
import { app, channelOf, emit, keep, readSlack } from "./app.js";

export function goUser(login) {
  if (login === app.user) return;
  app.user = login;
  app.slack = null;
  keep("user", login);
  document.getElementById("live").replaceChildren(); // it was said to somebody else
  if (app.channel.startsWith("D")) app.channel = "im"; // their own direct messages
  emit("view");
  return readSlack();
}

export function goChannel(id) {
  app.channel = id;
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

// goTo shows one message, in its thread if it stands in one.
export function goTo({ channel, ts, thread }) {
  if (!channelOf(channel)) return;
  app.channel = channel;
  app.thread = "";
  pane("chat");
  emit("view");
  if (thread) openThread(thread);
  document.dispatchEvent(new CustomEvent("show-message", { detail: ts }));
}

// pane is what a narrow window shows.
export function pane(name) {
  document.body.dataset.pane = name;
  emit("pane");
}

// right is what stands at the right of a wide window.
export function right(name) {
  document.body.dataset.right = name;
  emit("pane");
}
