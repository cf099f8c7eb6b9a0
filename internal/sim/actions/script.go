package actions

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

// ScriptStep is one step of a scripted run.
type ScriptStep struct {
	Name   string // required
	Takes  time.Duration
	Do     func(ctx context.Context, job Job) error // may be nil; an error is logged and fails the step
	Always bool                                     // also runs after a failure and after a cancel
}

// Script plays runs from a table, without a process or a socket. Time passes in package time, so it
// costs nothing in a synctest bubble.
type Script struct {
	Table map[string][]ScriptStep // required; by base name of the workflow file
}

// Run plays the steps of the job's workflow.
func (s *Script) Run(ctx context.Context, job Job) Result {
	scenes, ok := s.Table[filepath.Base(job.Workflow)]
	if !ok {
		return notStarted(fmt.Errorf("script has no workflow %s", job.Workflow))
	}
	if ctx.Err() != nil {
		return Result{Conclusion: "cancelled"}
	}
	p := play{job: job, log: job.Log, conclusion: "success"}
	if p.log == nil {
		p.log = io.Discard
	}
	for i, scene := range scenes {
		p.runStep(ctx, i+1, scene)
	}
	return Result{Conclusion: p.conclusion, Steps: p.steps}
}

type play struct {
	job        Job
	log        io.Writer
	steps      []Step
	conclusion string
}

func (p *play) runStep(ctx context.Context, number int, scene ScriptStep) {
	step := Step{Number: number, Name: scene.Name}
	if ctx.Err() != nil && p.conclusion == "success" {
		p.conclusion = "cancelled"
	}
	if p.conclusion != "success" && !scene.Always {
		p.note(step, "completed", "skipped")
		return
	}
	p.note(step, "in_progress", "")
	_, _ = fmt.Fprintf(p.log, "##[group]%s\n", scene.Name)
	err := p.do(ctx, scene)
	if err == nil && !scene.Always {
		err = ctx.Err() // a step that succeeds in spite of a cancel counts as cancelled
	}
	switch {
	case err == nil:
		p.note(step, "completed", "success")
	default:
		p.fail(ctx, step, err)
	}
}

func (p *play) fail(ctx context.Context, step Step, err error) {
	_, _ = fmt.Fprintf(p.log, "##[error]%s\n", err)
	conclusion := "failure"
	if ctx.Err() != nil && p.conclusion != "cancelled" {
		conclusion = "cancelled"
	}
	if p.conclusion == "success" {
		p.conclusion = conclusion
	}
	p.note(step, "completed", conclusion)
}

// do runs one step. A cancel that stopped the other steps does not stop a step that always runs.
func (p *play) do(ctx context.Context, scene ScriptStep) error {
	if scene.Always {
		ctx = context.WithoutCancel(ctx)
	}
	if scene.Takes > 0 {
		timer := time.NewTimer(scene.Takes)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if scene.Do == nil {
		return nil
	}
	return scene.Do(ctx, p.job)
}

// note records one change of a step and reports it to the caller.
func (p *play) note(step Step, status, conclusion string) {
	step.Status, step.Conclusion = status, conclusion
	if status == "completed" {
		p.steps = append(p.steps, step)
	}
	if p.job.Step != nil {
		p.job.Step(step)
	}
}
