// How the sandbox works, in a dialog.
import { h } from "./dom.js";
import { app } from "./app.js";
import { dialog } from "./confirm.js";

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
