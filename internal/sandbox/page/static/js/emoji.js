// Emoji by Slack's names. The page draws the ones that the product uses, so that they look the same
// without an emoji font.
import { h, svg } from "./dom.js";

const circle = (fill) => ["circle", { cx: 10, cy: 10, r: 8, fill }];
const stroke = (d, color = "#fff", width = 2) =>
  ["path", { d, fill: "none", stroke: color, "stroke-width": width, "stroke-linecap": "round",
    "stroke-linejoin": "round" }];

const green = "#1f9d5b", red = "#d93a45", amber = "#d98a06", slate = "#7b8190", violet = "#6a63e8", sky = "#2f86d6";

const drawn = {
  white_check_mark: [circle(green), stroke("M6.2 10.3l2.600 2.600 5-5.400")],
  heavy_check_mark: [stroke("M4 10.500l4 4L16.500 5.500", green, 2.600)],
  x: [circle(red), stroke("M7 7l6 6M13 7l-6 6")],
  warning: [["path", { d: "M10 2.200 18.600 17H1.400z", fill: amber, stroke: amber, "stroke-width": 1.600,
    "stroke-linejoin": "round" }], stroke("M10 8v4M10 14.600v.01")],
  hourglass_flowing_sand: [circle(violet), stroke("M10 5.600V10l3 2")],
  hourglass: [circle(violet), stroke("M10 5.600V10l3 2")],
  white_circle: [["circle", { cx: 10, cy: 10, r: 6.800, fill: "none", stroke: slate, "stroke-width": 2,
    "stroke-dasharray": "2.600 2.200" }]],
  large_green_circle: [circle(green)],
  large_orange_circle: [circle(amber)],
  large_blue_circle: [circle(sky)],
  red_circle: [circle(red)],
  mag: [["circle", { cx: 8.500, cy: 8.500, r: 5, fill: "none", stroke: violet, "stroke-width": 2.200 }],
    stroke("M12.500 12.500 17 17", violet, 2.600)],
  gear: [["circle", { cx: 10, cy: 10, r: 5, fill: "none", stroke: violet, "stroke-width": 3.200 }],
    stroke("M10 2v2.500M10 15.500V18M2 10h2.500M15.500 10H18M4.400 4.400l1.700 1.700M13.900 13.900l1.700 1.700M15.600 4.400l-1.700 1.700M6.100 13.900l-1.700 1.700", violet, 2)],
  wastebasket: [stroke("M4 5.500h12M8 5V3.500h4V5M5.500 5.500l.8 11h7.400l.8-11M8.500 8.500v5M11.500 8.500v5", slate,
    1.600)],
  inbox_tray: [stroke("M10 3v7M7 7.500 10 10.500l3-3M3.500 11.500v5h13v-5h-4l-1 2h-3l-1-2z", sky, 1.600)],
  twisted_rightwards_arrows: [stroke("M3 6h3l7 8h4M14.500 11.500 17 14l-2.500 2.500M3 14h3l1.500-1.700M11 8l2-2h4M14.500 3.500 17 6l-2.500 2.500", violet, 1.700)],
  no_entry_sign: [["circle", { cx: 10, cy: 10, r: 7, fill: "none", stroke: slate, "stroke-width": 2.200 }],
    stroke("M5.200 5.200l9.600 9.600", slate, 2.200)],
  grey_question: [circle(slate),
    stroke("M7.800 8a2.200 2.200 0 1 1 3.200 2c-.8.400-1 .8-1 1.600M10 14.200v.01", "#fff", 1.600)],
  lock: [["rect", { x: 4.500, y: 9, width: 11, height: 8, rx: 1.600, fill: amber }],
    stroke("M7 9V6.500a3 3 0 0 1 6 0V9", amber, 1.800)],
  hand: [circle(amber), stroke("M10 6v5M10 14v.01")],
  raised_hand: [circle(amber), stroke("M10 6v5M10 14v.01")],
  rotating_light: [["path", { d: "M10 2.200 18.600 17H1.400z", fill: red, stroke: red, "stroke-width": 1.600,
    "stroke-linejoin": "round" }], stroke("M10 8v4M10 14.600v.01")],
  information_source: [circle(sky), stroke("M10 9.500v4.500M10 6.200v.01")],
  eyes: [["circle", { cx: 6.500, cy: 10, r: 3.600, fill: "#fff", stroke: slate }],
    ["circle", { cx: 13.500, cy: 10, r: 3.600, fill: "#fff", stroke: slate }],
    ["circle", { cx: 7.500, cy: 10, r: 1.600, fill: "#222" }],
    ["circle", { cx: 14.500, cy: 10, r: 1.600, fill: "#222" }]],
};

const typed = {
  tada: "🎉", rocket: "🚀", wave: "👋", "+1": "👍", "-1": "👎", memo: "📝", link: "🔗", clock1: "🕐", lock_with_ink_pen: "🔏",
  bulb: "💡", sparkles: "✨", construction: "🚧", package: "📦", bell: "🔔", speech_balloon: "💬", thought_balloon: "💭",
    arrow_right: "→",
};

// emoji draws a named emoji. It shows an unknown name as it was written.
export function emoji(name) {
  const base = name.split("::")[0];
  const words = base.replaceAll("_", " ");
  if (drawn[base]) {
    return h("span", { class: "emoji", role: "img", "aria-label": words, title: words },
      svg(drawn[base], "0 0 20 20", "emoji-icon"));
  }
  if (typed[base]) return h("span",
    { class: "emoji", role: "img", "aria-label": words, title: words, text: typed[base] });
  return document.createTextNode(`:${name}:`);
}

export const knows = (name) => Boolean(drawn[name] || typed[name]);
