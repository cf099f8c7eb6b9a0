// The state of the page, and its subscribers.
import { get, Refused } from "./api.js";

export const app = {
  user: "dana", // login
  channel: "", // id, or "home"
  thread: "", // ts of the root that is open
  sandbox: null, // people and addresses
  slack: null, // the workspace as the user sees it
  requests: [], // rows with steps, newest first
  request: "", // id of the open request
  online: true,
};

const listeners = new Map();

// on calls fn when a topic changes: slack, requests, github, state, cloud, view, online.
export function on(topics, fn) {
  for (const topic of topics.split(" ")) {
    if (!listeners.has(topic)) listeners.set(topic, []);
    listeners.get(topic).push(fn);
  }
}

export function emit(topic) {
  for (const fn of listeners.get(topic) || []) fn(topic);
}

// read and keep store small settings in this browser; storage may be disabled.
export function read(name, otherwise) {
  try {
    return localStorage.getItem(name) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch { /* nothing depends on it */ }
}

export const person = (login) => (app.sandbox?.people || []).find((p) => p.login === login || p.slackUser === login);
export const me = () => person(app.user);
export const channelOf = (id) => (app.slack?.channels || []).find((c) => c.id === id);
export const channelName = (c) => (c.kind === "im" ? "TfPilot" : "#" + c.name);
export const chosenRequest = () => app.requests.find((r) => r.id === app.request) || app.requests[0] || null;

// Refreshing: one call at a time for each topic, and one more if something changed in the meantime.
const loading = new Map();

async function load(topic, fn) {
  const now = loading.get(topic);
  if (now) {
    now.again = true;
    return now.done;
  }
  const mine = { again: false };
  loading.set(topic, mine);
  mine.done = (async () => {
    try {
      do {
        mine.again = false;
        await fn();
      } while (mine.again);
    } finally {
      loading.delete(topic);
    }
  })();
  return mine.done;
}

export function setOnline(on) {
  if (app.online === on) return;
  app.online = on;
  emit("online");
}

const guard = (fn) => async () => {
  try {
    await fn();
  } catch (err) {
    if (err instanceof Refused && err.code === "gone") setOnline(false);
    else console.warn(err.message);
  }
};

export const readSlack = () => load("slack", guard(async () => {
  const user = app.user;
  const state = await get("/control/state", { user });
  if (user === app.user) takeSlack(state); // otherwise the user was switched in the meantime
}));

// takeSlack shows a workspace as the user sees it.
export function takeSlack(state) {
  app.slack = state;
  if (app.channel === "im") app.channel = state.channels.find((c) => c.kind === "im")?.id || "";
  if (!channelOf(app.channel) && app.channel !== "home") app.channel = state.channels[0]?.id || "";
  emit("slack");
}

export const readRequests = () => load("requests", guard(async () => {
  const { requests } = await get("/view/requests");
  app.requests = requests;
  emit("requests");
}));

export async function readSandbox() {
  app.sandbox = await get("/view/sandbox");
}

// live follows the events of the server and refreshes their topics.
export function live() {
  let source = null, wait = 1000, timer = 0;
  const open = () => {
    source = new EventSource("/view/events");
    source.addEventListener("changed", (e) => {
      wait = 1000;
      setOnline(true);
      for (const topic of JSON.parse(e.data).topics) later(topic);
    });
    source.onerror = () => {
      source.close();
      setOnline(false);
      clearTimeout(timer);
      timer = setTimeout(open, wait);
      wait = Math.min(wait * 1.5, 8000);
    };
  };
  open();
  window.addEventListener("beforeunload", () => source.close());
  return () => { clearTimeout(timer); source.close(); open(); };
}

// later combines calls within a short time into one refresh.
const due = new Map();
function later(topic) {
  if (due.has(topic)) return;
  due.set(topic, setTimeout(() => {
    due.delete(topic);
    if (topic === "slack") readSlack();
    else if (topic === "requests") readRequests();
    else emit(topic);
  }, 120));
}
