// Confirmation dialogs.
import { h, newId } from "./dom.js";
import { textOf } from "./block.js";

// dialog shows a window with a form, and calls done with the button that closed it.
export function dialog(title, body, buttons, cls) {
  const id = newId("dialog");
  const shut = (what) => { box.close(what); };
  const box = h("dialog", { class: `modal ${cls || ""}`, "aria-labelledby": id },
    h("header", { class: "modal-head" }, h("h2", { id, text: title }),
      h("button", { type: "button", class: "x", "aria-label": "Close", text: "×", onclick: () => shut("") })),
    h("div", { class: "modal-body" }, body),
    h("footer", { class: "modal-foot" },
      buttons.map(([name, what, style]) => h("button",
      { type: "button", class: `btn ${style || ""}`, text: name, onclick: () => shut(what) }))));
  document.body.append(box);
  box.showModal();
  return new Promise((done) => box.addEventListener("close", () => { box.remove(); done(box.returnValue); }));
}

// ask shows the confirmation that Slack defines for an element.
export async function ask(confirm) {
  const style = confirm.style === "danger" ? "danger" : "primary";
  const said = await dialog(confirm.title?.text || "Are you sure?", h("p", {}, textOf(confirm.text)), [
    [confirm.deny?.text || "Cancel", "", ""], [confirm.confirm?.text || "Yes", "yes", style],
  ], "small");
  return said === "yes";
}
