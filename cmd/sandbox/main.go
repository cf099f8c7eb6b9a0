// Command sandbox runs the whole product on one machine: the same app and worker as in production, wired by
// the same code, against simulators of Slack, GitHub, S3, AWS and a model. Terraform starts the same program,
// under another name, as its provider. No release image contains it.
package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/release"
	"github.com/tfpilot/tfpilot/internal/sim/aws/provider"
)

// version is the version of the release that the simulated GitHub serves.
var version = release.Dev

func main() { os.Exit(program()) }

func program() int {
	if !strings.HasPrefix(filepath.Base(os.Args[0]), "terraform-provider-aws") {
		return cli.Main(newSandbox())
	}
	ctx, stop := signal.NotifyContext(context.Background(), cli.Signals()...)
	defer stop()
	return provider.Main(ctx)
}
