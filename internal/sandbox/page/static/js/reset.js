// Reset and help: what can be reset alone, and what cannot.
import { h, toast } from "./dom.js";
import { post } from "./api.js";
import { app, readRequests, readSlack } from "./app.js";
import { dialog } from "./confirm.js";
import { fail } from "./message.js";

const parts = [
  ["faults", "Faults", "Clears all injected faults.", true],
  ["counters", "Counters", "Sets the counters of GitHub, S3 and the cloud to zero.", true],
  ["redis", "Redis", "Deletes queues, locks and the list of requests. TfPilot rebuilds them from S3.", false],
  ["messages", "Slack messages", "Empties channels and closes windows. A card returns when its request changes.",
    false],
  ["cloud", "Cloud", "Deletes all resources. Terraform's states still list them, so the next plans re-create them.",
    false],
];

export async function reset() {
  const boxes = parts.map(([id, name, means, on]) => h("label", { class: "box" },
    h("input", { type: "checkbox", name: id, checked: on }),
      h("span", { class: "box-text" }, h("b", { text: name }), h("span", { class: "hint", text: means }))));
  const body = h("div", { class: "help" },
    h("div", { class: "boxes", role: "group", "aria-label": "What to reset" }, boxes),
    h("p", { class: "note default" },
      "Documents, repositories and Terraform's states belong together and stay. To start from scratch, stop the sandbox and start it with an empty directory: ",
      h("code", { text: "go run ./cmd/tfpilot sandbox --data <empty directory>" }), ". The current one is ",
        h("code", { text: app.sandbox?.data || "" }), "."));
  if ((await dialog("Reset", body, [["Cancel", "", ""], ["Reset these", "yes", "danger"]])) !== "yes") return;
  const order = {};
  for (const input of body.querySelectorAll("input")) if (input.checked) order[input.name] = true;
  try {
    await post("/view/reset", order);
    toast("Done: " + parts.filter(([id]) => order[id]).map(([, name]) => name.toLowerCase()).join(", ") + ".");
    readSlack();
    readRequests();
  } catch (err) {
    fail(err);
  }
}

export async function help() {
  const item = (title, text) => h("li", {}, h("b", { text: title }), " ", text);
  const clone = app.sandbox?.clone?.[0];
  await dialog("How it works", h("div", { class: "help" },
    h("p", { text: "An engineer requests infrastructure in Slack. TfPilot writes one Terraform file from a template, opens a pull request, and shows the plan. Another person approves. GitHub Actions runs it." }),
    h("ol", {},
      item("Request.", "As dana, type /tfpilot request in #infra-dev and fill in the form."),
      item("Watch the plan.", "A card appears in the channel. The shipped workflow runs with the real Terraform; see Runs."),
      item("Approve.", "Switch to omar, open the card's thread, review the plan and approve it. dana can't: no one approves their own request."),
      item("Merge and apply.", "Click Merge, then Apply. Then open State and Cloud."),
      item("Change it from outside.", "In Cloud, change an attribute outside Terraform."),
      item("Destroy.", "Switch to adam and click Destroy. The destroy plan is approved like any other, and a pull request removes the code."),
      item("Make things fail.", "Under Faults: drop webhooks, flush Redis, refuse creates. Nothing is lost and nothing happens twice.")),
    h("p", { class: "muted" }, "Only Slack, GitHub, S3, the model and the cloud are simulated; TfPilot and Terraform are the real ones. ", clone && ["The repositories can be cloned: ", h("code", { text: `git clone ${clone}` })])),
  [["Let me try", "", "primary"]], "wide");
}
