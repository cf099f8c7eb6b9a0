package demo

import (
	"context"
	"fmt"
	"strings"
)

// requestSteps is the first chapter: from a command to saved requests with cards.
func (j *journey) requestSteps() []step {
	var form view
	steps := []step{
		{"dana", "mistypes a word and sees the nearest one", j.mistypes},
		{"dana", "opens /tfpilot request, and the form opens at once", j.opensForm},
		{"dana", "chooses project, environment and module", func(ctx context.Context) (err error) {
			form, err = j.chooses(ctx)
			return err
		}},
		{"dana", "unfolds the advanced options", func(ctx context.Context) (err error) {
			form, err = j.unfolds(ctx, form)
			return err
		}},
		{"dana", "types an invalid name, and all other fields keep their values", func(ctx context.Context) error {
			return j.mistakes(ctx, form)
		}},
		{"dana", "corrects it and submits it: Saving…, then Saved", j.corrects},
		{"dana", "finds its card in #infra-dev and in her messages", j.findsCards},
		{"dana", "describes a request in her own words, and gets a filled form", j.describesRequest},
		{"ana", "requests a log group", func(ctx context.Context) (err error) {
			j.anas, err = j.submitRequest(ctx, j.ana, "dev", "ana")
			return err
		}},
		{"adam", "requests a log group", func(ctx context.Context) (err error) {
			j.adams, err = j.submitRequest(ctx, j.adam, "dev", "adam")
			return err
		}},
		{"dana", "requests a log group in production", func(ctx context.Context) (err error) {
			j.prod, err = j.submitRequest(ctx, j.dana, "prod", "prod")
			return err
		}},
		{"vic", "can only view, and sees who can request", j.refusesViewer},
	}
	if j.first {
		steps = append([]step{{"dana", "types /tfpilot list and sees that there is nothing yet",
			func(ctx context.Context) error {
				_, err := j.dana.asks(ctx, infraDev, "list", "There are no requests yet", "/tfpilot request")
				return err
			}}}, steps...)
	}
	return steps
}

func (j *journey) mistypes(ctx context.Context) error {
	m, err := j.dana.asks(ctx, infraDev, "request s3-buckt dev", "s3-buckt", "Did you mean “s3-bucket”?")
	if err != nil {
		return err
	}
	_, err = find(m.Blocks, "Use s3-bucket")
	return err
}

func (j *journey) opensForm(ctx context.Context) error {
	if _, err := j.dana.types(ctx, "dm", "request"); err != nil {
		return err
	}
	_, err := j.dana.window(ctx, "New request", "Project: …")
	return err
}

func (j *journey) chooses(ctx context.Context) (view, error) {
	form, err := j.dana.window(ctx, "Project: …")
	if err != nil {
		return form, err
	}
	for _, c := range []struct{ label, choice, next string }{
		{"Project", "core", "Environment: …"},
		{"Environment", "dev/app", "What do you need?: …"},
		{"What do you need?", "S3 bucket", "Bucket name: …"},
	} {
		if err := j.dana.uses(ctx, form, c.label, c.choice, nil); err != nil {
			return form, err
		}
		if form, err = j.dana.window(ctx, c.next); err != nil {
			return form, err
		}
	}
	return form, nil
}

// The fields that dana fills in besides the name.
const (
	requestReason = "Build artifacts need a place that the deploy job can read"
	expires       = "45"
)

func (j *journey) unfolds(ctx context.Context, form view) (view, error) {
	if has(form.Blocks, "Force destroy (delete objects)") {
		return form, notSeen("hidden advanced options", form.read())
	}
	if err := j.dana.uses(ctx, form, "Show advanced options", "",
		map[string]any{"Delete objects after (days)": expires}); err != nil {
		return form, err
	}
	return j.dana.window(ctx, "Force destroy (delete objects): …", "[Hide advanced options]")
}

func (j *journey) mistakes(ctx context.Context, form view) error {
	r, err := j.dana.submits(ctx, form, map[string]any{
		"Bucket name": "Not A Bucket", "Why is it needed?": requestReason, "Additional tags": "CostCenter=1234",
		"Force destroy (delete objects)": "Yes",
	})
	if err != nil {
		return err
	}
	form, err = j.dana.window(ctx, "Bucket name: …")
	if err != nil {
		return err
	}
	name, err := find(form.Blocks, "Bucket name")
	if err != nil {
		return err
	}
	if len(r.Errors) != 1 || !strings.Contains(form.Errors[name.block], "3 to 63 lowercase letters") {
		return notSeen("one error, at the field “Bucket name”", fmt.Sprint(form.Errors))
	}
	for label, want := range map[string]string{
		"Bucket name": "Not A Bucket", "Why is it needed?": requestReason, "Delete objects after (days)": expires,
		"Additional tags": "CostCenter=1234",
		"Project":         "core", "Environment": "dev/app", "What do you need?": "S3 bucket",
		"Force destroy (delete objects)": "Yes",
	} {
		c, err := find(form.Blocks, label)
		if err != nil {
			return err
		}
		if got := form.value(c); got != want {
			return notSeen(fmt.Sprintf("“%s” still filled in with %q", label, want), fmt.Sprintf("%q", got))
		}
	}
	return nil
}

func (j *journey) corrects(ctx context.Context) error {
	form, err := j.dana.window(ctx, "Bucket name: …")
	if err != nil {
		return err
	}
	if err := j.slowly(ctx); err != nil {
		return err
	}
	r := &request{name: "demo-" + j.stamp + "-artifacts", kind: "aws_s3_bucket", channel: infraDev, place: "core dev/app"}
	r.title = "S3 bucket " + r.name
	if _, err := j.dana.sends(ctx, form, map[string]any{"Bucket name": r.name}); err != nil {
		return err
	}
	if _, err := j.dana.window(ctx, "Saving…"); err != nil {
		return err
	}
	j.bucket, err = j.saved(ctx, j.dana, r)
	return err
}

func (j *journey) findsCards(ctx context.Context) error {
	for _, place := range []string{infraDev, "dm"} {
		if _, err := j.dana.seesIn(ctx, j.bucket, place, soon, j.bucket.title, j.bucket.place, "Requested by"); err != nil {
			return err
		}
	}
	return nil
}

func (j *journey) describesRequest(ctx context.Context) error {
	if _, err := j.dana.types(ctx, infraDev, "request a private bucket for build artifacts in dev"); err != nil {
		return err
	}
	form, err := j.dana.window(ctx, "AI filled in this form", "Bucket name: …")
	if err != nil {
		return err
	}
	for label, want := range map[string]string{"Project": "core", "Environment": "dev/app",
		"What do you need?": "S3 bucket", "Why is it needed?": "a private bucket for build artifacts in dev"} {
		c, err := find(form.Blocks, label)
		if err != nil {
			return err
		}
		if got := form.value(c); got != want {
			return notSeen(fmt.Sprintf("“%s” filled in with %q", label, want), fmt.Sprintf("%q", got))
		}
	}
	r := &request{name: "demo-" + j.stamp + "-words", kind: "aws_s3_bucket", channel: infraDev, place: "core dev/app"}
	r.title = "S3 bucket " + r.name
	j.words, err = j.fill(ctx, form, j.dana, r, map[string]any{"Bucket name": r.name})
	return err
}

func (j *journey) refusesViewer(ctx context.Context) error {
	if _, err := j.vic.types(ctx, infraDev, "request"); err != nil {
		return err
	}
	if _, err := j.vic.window(ctx, "Only ", ". Ask "); err != nil {
		return err
	}
	return j.vic.closes(ctx)
}
