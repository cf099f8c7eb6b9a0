// One message: author, time, content and actions.
import { h, ofTS, plural, svg, toast, when } from "./dom.js";
import { post, Refused } from "./api.js";
import { app, readSlack } from "./app.js";
import { blocks } from "./block.js";
import { openThread } from "./go.js";
import { openLink } from "./link.js";
import { mrkdwn } from "./mrkdwn.js";
import { emoji } from "./emoji.js";
import { face } from "./side.js";

const hidden = new Set(); // ephemeral messages that were dismissed

export const isHidden = (m) => m.ephemeral && hidden.has(m.ts);

// print changes if a message must be redrawn.
export const print = (m) => JSON.stringify([m.text, m.blocks, m.edited, m.deleted, m.files, m.replyCount,
  m.replies?.at(-1)?.ts, m.reactions, app.user, app.thread === m.ts]);

export function message(m, inThread) {
  const el = h("li", { class: m.ephemeral ? "message whisper" : "message", id: `m-${inThread ? "t-" : ""}${m.ts}` },
    face(m.name, m.bot || m.user === app.slack.bot.userId),
    h("div", { class: "message-body" },
      m.ephemeral && h("p", { class: "only-you" }, svg(eye), "Only visible to you"),
      h("p", { class: "by" }, h("b", { text: m.name }), m.bot && h("span", { class: "badge", text: "app" }), " ",
        when(ofTS(m.ts))),
      m.deleted ? h("p", { class: "muted", text: "This message was deleted." }) : content(m, inThread),
      m.edited && !m.deleted && h("span", { class: "muted small", text: "(edited)" }),
      reactions(m),
      !inThread && m.replyCount > 0 && replies(m),
      m.ephemeral ? h("button", { type: "button", class: "link", onclick: () => { hidden.add(m.ts); el.remove(); },
        text: "Dismiss message" })
        : !inThread && !m.replyCount &&
          h("button", { type: "button", class: "link reply", data: { focus: "reply-" + m.ts },
          onclick: () => openThread(m.ts), text: "Reply in thread" })));
  return el;
}

const eye = [["path", { d: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5z", fill: "none", stroke: "currentColor",
  "stroke-width": 1.600 }], ["circle", { cx: 10, cy: 10, r: 2.300, fill: "currentColor" }]];

function content(m, inThread) {
  const ctx = messageContext(m, inThread);
  if (m.blocks?.length) return blocks(m.blocks, ctx);
  return h("div", { class: "blocks" }, h("div", { class: "text" }, mrkdwn(m.text || "")),
    (m.attachments || []).map((a) => h("div", { class: "attachment" },
      a.blocks ? blocks(a.blocks, ctx) : mrkdwn(a.text || a.fallback || ""))),
    (m.files || []).map((f) => h("div", { class: "attachment" }, openLink(f.url, f.title))));
}

function reactions(m) {
  const all = Object.entries(m.reactions || {});
  return all.length > 0 && h("ul", { class: "reactions", "aria-label": "Reactions" },
    all.map(([name, who]) => h("li", {}, emoji(name), " " + who.length)));
}

function replies(m) {
  const last = m.replies.at(-1);
  return h("button", { type: "button", class: "replies", "aria-expanded": String(app.thread === m.ts),
    data: { focus: "reply-" + m.ts }, onclick: () => openThread(m.ts) },
    face(last.name, last.bot), h("b", { text: plural(m.replyCount, "reply", "replies") }),
      h("span", { class: "muted" }, "last ", when(ofTS(last.ts))));
}

// messageContext lets the elements of a message act.
function messageContext(m, inThread) {
  const place = { channel: m.channel, ts: m.ts };
  return {
    id: `${inThread ? "t" : "m"}${m.ts}`, drafts: new Map(), labels: new Map(), errors: null,
    act: (part, given, pressed) => act({ ...place, actionId: part.el.action_id, blockId: part.block.block_id,
      ...given }, pressed),
    options: (part, query) => options({ ...place, actionId: part.el.action_id, blockId: part.block.block_id, query }),
  };
}

// act performs an action of a person and shows the result.
export async function act(input, pressed) {
  pressed?.setAttribute("aria-busy", "true");
  try {
    const result = await post("/control/action", { user: app.user, ...input });
    say(result);
  } catch (err) {
    fail(err);
  } finally {
    pressed?.removeAttribute("aria-busy");
    readSlack();
  }
}

export async function options(input) {
  try {
    const result = await post("/control/options", { user: app.user, ...input });
    const groups = (result.optionGroups || []).flatMap((g) => g.options || []);
    return { options: [...(result.options || []), ...groups], note: result.note };
  } catch (err) {
    return { options: [], note: err.message };
  }
}

// say shows Slack's own message if the app did not answer.
export function say(result) {
  if (result.outcome !== "acked" && result.outcome !== "errors" && result.note) toast(result.note, "bad");
}

export function fail(err) {
  if (err instanceof Refused) toast(err.message, "bad");
  else throw err;
}
