package demo

import (
	"context"
	"encoding/base64"
	"net/http"
)

// changedModule is changed on main after adam's plan was approved.
const changedModule = "modules/cloudwatch-log-group/main.tf"

// slippedIn is part of no approved plan, and would run with the apply role.
const slippedIn = `
resource "terraform_data" "slipped_in" {
  provisioner "local-exec" {
    command = "env"
  }
}
`

// changesModule changes the module of an approved request on the default branch.
func (j *journey) changesModule(ctx context.Context) error {
	text, err := j.file(ctx, j.ana, j.adams.repo, changedModule)
	if err != nil {
		return err
	}
	j.module = text
	return j.rewrites(ctx, j.ana, changedModule, text+slippedIn)
}

// rewrites commits a file to main, as anyone with write access can.
func (j *journey) rewrites(ctx context.Context, p *person, path, text string) error {
	address := "/repos/" + j.adams.repo + "/contents/" + path
	var now struct{ SHA string }
	if err := p.reads(ctx, address, &now); err != nil {
		return err
	}
	return p.github(ctx, http.MethodPut, address, map[string]any{
		"message": "Change the log group's module", "branch": "main", "sha": now.SHA,
		"content": base64.StdEncoding.EncodeToString([]byte(text)),
	}, nil)
}

// stopsAtChange applies an approved request with code that was not approved.
func (j *journey) stopsAtChange(ctx context.Context) error {
	if err := j.clicksAction(ctx, j.adam, j.adams, "Apply"); err != nil {
		return err
	}
	j.adams.failing = true
	if _, err := j.adam.sees(ctx, j.adams, later, stateFailed, failedStep+"Verify content”",
		"the module changed since the approval ("+changedModule+"): plan again", "[Re-plan]"); err != nil {
		return err
	}
	return j.inCloud(ctx, j.adams, false)
}

// plansWhatIsReviewed restores the module and plans again. The approval does not return with the code.
func (j *journey) plansWhatIsReviewed(ctx context.Context) error {
	if err := j.rewrites(ctx, j.omar, changedModule, j.module); err != nil {
		return err
	}
	close(j.reverted)
	return j.plansAgain(ctx)
}
