// Slack's mrkdwn as nodes. Text that is not valid markup stays text.
import { h } from "./dom.js";
import { app, channelOf, channelName, person } from "./app.js";
import { emoji, knows } from "./emoji.js";
import { openLink } from "./link.js";

const unescape = (s) => s.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
const text = (s) => document.createTextNode(unescape(s));

// mrkdwn draws a whole text: fenced blocks first, then quotes by line, then the rest.
export function mrkdwn(source) {
  const out = document.createDocumentFragment();
  source.split(/```/).forEach((part, i, all) => {
    if (i % 2 === 1 && i < all.length - 1) out.append(h("pre", { class: "code" }, text(part.replace(/^\n/, ""))));
    else lines(out, i % 2 === 1 ? "```" + part : part);
  });
  return out;
}

function lines(out, source) {
  let quote = null;
  source.split("\n").forEach((line, i, all) => {
    const quoted = line.match(/^(?:&gt;|>) ?(.*)$/);
    if (quoted) {
      if (!quote) out.append((quote = h("blockquote", {})));
      else quote.append(h("br"));
      inline(quote, quoted[1]);
      return;
    }
    const after = quote;
    quote = null;
    inline(out, line);
    if (i < all.length - 1 && !after) out.append(h("br"));
    else if (i < all.length - 1 && line) out.append(h("br"));
  });
}

const marks = [
  [/`([^`\n]+)`/, (m) => h("code", {}, text(m[1]))],
  [/<([^<>\n]+)>/, (m) => angle(m[1])],
  [/(?<![\w*])\*(?!\s)([^*\n]+?)(?<!\s)\*(?![\w*])/, (m) => inline(h("strong"), m[1])],
  [/(?<![\w_])_(?!\s)([^_\n]+?)(?<!\s)_(?![\w_])/, (m) => inline(h("em"), m[1])],
  [/(?<![\w~])~(?!\s)([^~\n]+?)(?<!\s)~(?![\w~])/, (m) => inline(h("s"), m[1])],
  [/:([a-z0-9_+-]+(?:::skin-tone-\d)?):/, (m) => (knows(m[1].split("::")[0]) ? emoji(m[1]) : null)],
];

// inline draws one line. The mark that starts first wins.
function inline(out, source) {
  let rest = source;
  while (rest) {
    let best = null, node = null;
    for (const [pattern, draw] of marks) {
      const m = rest.match(pattern);
      if (!m || (best && m.index >= best.index)) continue;
      const made = draw(m);
      if (made) [best, node] = [m, made];
    }
    if (!best) break;
    if (best.index) out.append(text(rest.slice(0, best.index)));
    out.append(node);
    rest = rest.slice(best.index + best[0].length);
  }
  if (rest) out.append(text(rest));
  return out;
}

// angle draws the content of <…>: mentions, channels, dates, links.
function angle(body) {
  const [ref, label] = cut(body, "|");
  if (ref.startsWith("@")) return mention(ref.slice(1), label && unescape(label));
  if (ref.startsWith("#")) return channel(ref.slice(1), label && unescape(label));
  if (ref.startsWith("!date^")) return date(ref, label ? unescape(label) : "");
  if (ref.startsWith("!")) return h("span", { class: "mention", text: "@" + (label ? unescape(label) : ref.slice(1)) });
  if (/^(https?|mailto):/.test(ref)) return openLink(unescape(ref), unescape(label || ref));
  return null;
}

function cut(s, sep) {
  const i = s.indexOf(sep);
  return i < 0 ? [s, ""] : [s.slice(0, i), s.slice(i + sep.length)];
}

export function mention(id, label) {
  const bot = id === app.slack?.bot.userId;
  const who = person(id)?.login || (app.slack?.users || []).find((u) => u.id === id)?.name ||
    (bot ? app.slack.bot.name : label || id);
  return h("span", { class: id === app.slack?.user ? "mention you" : "mention", text: "@" + who });
}

export function channel(id, label) {
  const c = channelOf(id);
  return h("span", { class: "mention", text: c ? channelName(c) : "#" + (label || id) });
}

function date(ref, fallback) {
  const [, seconds, format, link] = ref.split("^");
  const shown = formatDate(Number(seconds), format || "", fallback);
  return link ? openLink(link, shown) : h("time", { datetime: iso(seconds), text: shown });
}

const iso = (seconds) => {
  const at = new Date(Number(seconds) * 1000);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
};

// formatDate replaces Slack's date tokens in the reader's time zone.
export function formatDate(seconds, format, fallback) {
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return fallback;
  const days = Math.round((new Date(at).setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / 86400000);
  const pretty = { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days];
  const fmt = (o) => new Intl.DateTimeFormat(undefined, o).format(at);
  const short = fmt({ day: "numeric", month: "short", year: "numeric" });
  const full = fmt({ day: "numeric", month: "long", year: "numeric" });
  const tokens = {
    date_num: at.toISOString().slice(0, 10), date: full, date_short: short,
    date_long: fmt({ weekday: "long", day: "numeric", month: "long", year: "numeric" }),
    date_pretty: pretty || full, date_short_pretty: pretty || short,
    date_long_pretty: pretty || full, time: fmt({ hour: "2-digit", minute: "2-digit" }),
    time_secs: fmt({ hour: "2-digit", minute: "2-digit", second: "2-digit" }), ago: `${short}`,
  };
  return format.replace(/\{(\w+)\}/g, (all, name) => tokens[name] ?? all);
}
