// Links in messages: web links open a new tab, links to messages stay in the page.
import { h } from "./dom.js";
import { app } from "./app.js";
import { goTo } from "./go.js";

// openLink draws a link, but only for web and mail addresses.
export function openLink(url, label) {
  const inside = permalink(url);
  if (inside) {
    return h("a", { href: "#" + inside.channel + "/" + inside.ts,
      onclick: (e) => { e.preventDefault(); goTo(inside); } }, label);
  }
  let address;
  try {
    address = new URL(url);
  } catch {
    return document.createTextNode(label);
  }
  if (!["http:", "https:", "mailto:"].includes(address.protocol)) return document.createTextNode(label);
  return h("a", { href: address.href, target: "_blank", rel: "noopener noreferrer" }, label);
}

// permalink parses the address of a message in this workspace.
function permalink(url) {
  const domain = app.slack?.team.domain;
  const m = url.match(/^https:\/\/([a-z0-9-]+)\.slack\.com\/archives\/([A-Z0-9]+)\/p(\d{10})(\d{6})(?:\?thread_ts=([\d.]+))?/);
  if (!m || m[1] !== domain) return null;
  return { channel: m[2], ts: `${m[3]}.${m[4]}`, thread: m[5] || "" };
}
