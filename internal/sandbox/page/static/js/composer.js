// The field for messages and slash commands.
import { fill, h } from "./dom.js";
import { post } from "./api.js";
import { app, channelName, readSlack } from "./app.js";
import { fail, say } from "./message.js";
import { listbox } from "./menu.js";

const drafts = new Map(); // by user, channel and thread

// drawComposer creates the field once for a channel or thread, and does not change it afterwards.
export function drawComposer(box, c, thread) {
  const key = c ? [app.user, c.id, thread, app.slack.bot.dm].join(" ") : "";
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  if (!c) fill(box);
  else if (c.archived) fill(box, h("p", { class: "no-composer", text: "This channel is archived." }));
  else if (!c.member) fill(box, h("p", { class: "no-composer", text: `${app.user} is not in ${channelName(c)}.` }));
  else if (c.kind === "im" && !app.slack.bot.dm) fill(box,
    h("p", { class: "no-composer", text: "TfPilot does not accept messages here. Type /tfpilot in a channel." }));
  else fill(box, form(c, thread, key));
}

function form(c, thread, key) {
  const where = thread ? "Reply in the thread" : `Message ${channelName(c)}`;
  const id = thread ? "thread-text" : "composer-text";
  const field = h("textarea", {
    id, rows: 1, class: "composer-text", autocomplete: "off", spellcheck: "false", maxlength: 12000,
    placeholder: thread ? where : `${where}, or type /tfpilot`, "aria-label": where, value: drafts.get(key) || "",
  });
  const send = h("button", { type: "submit", class: "btn primary send", text: "Send" });
  const hints = thread ? noHints : listbox(field, (o) => { field.value = o.fill; grow(); field.focus(); hint(); });
  const grow = () => { field.style.height = "auto"; field.style.height = Math.min(field.scrollHeight, 160) + "px"; };
  const hint = () => {
    const found = completions(field.value);
    if (found.length) hints.show(found,
      (o) => [h("code", { text: o.fill.trim() }), h("span", { class: "muted", text: o.means })]);
    else hints.hide();
  };
  field.addEventListener("input", () => { drafts.set(key, field.value); grow(); hint(); });
  field.addEventListener("blur", () => hints.hide());
  field.addEventListener("keydown", (e) => {
    if (hints.key(e)) e.preventDefault();
    else if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); el.requestSubmit(); }
  });
  const el = h("form", {
    class: "composer", novalidate: true,
    onsubmit: async (e) => {
      e.preventDefault();
      const text = field.value.trim();
      if (!text || send.disabled) return;
      hints.hide();
      send.disabled = true;
      try {
        await deliver(c, thread, text);
        field.value = "";
        drafts.delete(key);
        grow();
      } catch (err) {
        fail(err);
      } finally {
        send.disabled = false;
        readSlack();
      }
    },
  }, h("div", { class: "composer-box" }, field, send, hints.el));
  return el;
}

// noHints replaces the list in threads, where Slack accepts no commands.
const noHints = { el: null, show() {}, hide() {}, key: () => false };

async function deliver(c, thread, text) {
  const user = app.user, channel = c.id;
  const command = thread ? null : text.match(/^(\/[a-z0-9_-]+)(?:\s+([\s\S]*))?$/i);
  if (command) say(await post("/control/command", { user, channel, command: command[1], text: command[2] || "" }));
  else await post("/control/message", { user, channel, thread, text });
}

// means describes each subcommand. The app's manifest lists the subcommands.
const means = { request: "request infrastructure", list: "recent requests", show: "find a request",
  sync: "refresh from GitHub", help: "all commands" };

function completions(value) {
  if (!value.startsWith("/") || value.includes("\n")) return [];
  const [typed, ...rest] = value.split(" ");
  const commands = (app.slack?.commands || []).filter((c) => c.command.startsWith(typed));
  if (!rest.length) return commands.map((c) => ({ fill: c.command + " ", means: c.description || "" }));
  const exact = commands.find((c) => c.command === typed);
  if (!exact || rest.length > 1) return [];
  return (exact.usageHint || "").split("|").map((u) => u.trim()).filter((u) => u.startsWith(rest[0]))
    .map((u) => ({ fill: `${typed} ${u.split(" ")[0]} `, means: means[u.split(" ")[0]] || u }));
}

// compose puts a text into the field as if it had been typed.
export function compose(text) {
  const field = document.getElementById("composer-text");
  if (!field) return;
  field.value = text;
  field.focus();
  field.dispatchEvent(new Event("input"));
}
