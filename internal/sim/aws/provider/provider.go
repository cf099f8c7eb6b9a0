// Package provider is a Terraform provider that is served as hashicorp/aws and stores its objects in
// the simulated account of package aws. It owns the behavior of the supported resources: what is
// unknown at plan and known after apply, what forces a replacement, which values AWS's own provider
// refuses, and drift. The schema is AWS's own, from package schema, so that an argument that the real
// provider does not know fails here too. Package aws owns the objects and AWS's refusals. There are
// no data sources.
package provider

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"

	"github.com/tfpilot/tfpilot/internal/sim/aws"
	"github.com/tfpilot/tfpilot/internal/sim/aws/provider/schema"
)

const (
	// EnvURL and EnvToken are the variables with the address and the token of the simulated account.
	EnvURL   = "TFPILOT_SANDBOX_CLOUD_URL"
	EnvToken = "TFPILOT_SANDBOX_CLOUD_TOKEN"

	// BinaryPrefix starts the base name under which Terraform runs the provider.
	BinaryPrefix = "terraform-provider-aws"

	defaultRegion = "us-east-1"
	callTimeout   = 15 * time.Minute // the creation of an object may be slow on purpose
)

// Main serves the provider to the Terraform that started this process, until Terraform stops it.
func Main(context.Context) int {
	srv, err := New()
	if err == nil {
		err = tf5server.Serve("registry.terraform.io/hashicorp/aws", func() tfprotov5.ProviderServer { return srv })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, BinaryPrefix+":", err)
		return 1
	}
	return 0
}

// Server is the provider.
type Server struct {
	facts    schema.Facts
	schemas  map[string]*tfprotov5.Schema
	config   *tfprotov5.Schema
	cloud    *aws.Client
	stop     context.Context
	stopNow  context.CancelFunc
	region   string
	defaults map[string]any // default_tags
}

// New returns a provider that is not configured yet.
func New() (*Server, error) {
	facts, err := schema.Load()
	if err != nil {
		return nil, err
	}
	s := &Server{facts: facts, schemas: map[string]*tfprotov5.Schema{}, region: defaultRegion}
	s.stop, s.stopNow = context.WithCancel(context.Background())
	s.config = &tfprotov5.Schema{Block: buildBlock(facts.Provider, trait{}, "")}
	for name, block := range facts.Resources {
		t, ok := traits[name]
		if !ok {
			return nil, fmt.Errorf("resource %s has a schema but no behavior", name)
		}
		s.schemas[name] = &tfprotov5.Schema{Block: buildBlock(block, t, "")}
	}
	return s, nil
}

// GetMetadata lists the resources.
func (s *Server) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	out := &tfprotov5.GetMetadataResponse{ServerCapabilities: capabilities()}
	for name := range s.schemas {
		out.Resources = append(out.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	return out, nil
}

// GetProviderSchema returns AWS's schema.
func (s *Server) GetProviderSchema(context.Context,
	*tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	return &tfprotov5.GetProviderSchemaResponse{
		ServerCapabilities: capabilities(), Provider: s.config, ResourceSchemas: s.schemas,
	}, nil
}

func capabilities() *tfprotov5.ServerCapabilities {
	return &tfprotov5.ServerCapabilities{GetProviderSchemaOptional: true}
}

// PrepareProviderConfig accepts a configuration that matches the schema.
func (s *Server) PrepareProviderConfig(_ context.Context,
	req *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: req.Config}, nil
}

// ConfigureProvider reads the region, the default tags and the address of the account.
func (s *Server) ConfigureProvider(_ context.Context,
	req *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	config, err := decodeState(req.Config, s.config)
	if err != nil {
		return &tfprotov5.ConfigureProviderResponse{Diagnostics: fail("read provider configuration", err)}, nil
	}
	s.region = firstText(config["region"], os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), defaultRegion)
	if blocks, ok := config["default_tags"].([]any); ok {
		for _, b := range blocks {
			s.defaults, _ = b.(map[string]any)["tags"].(map[string]any)
		}
	}
	url, token := os.Getenv(EnvURL), os.Getenv(EnvToken)
	if url == "" || token == "" {
		return &tfprotov5.ConfigureProviderResponse{Diagnostics: fail("configure the sandbox's AWS provider",
			fmt.Errorf("%s and %s must point to the simulated account; this provider never calls AWS", EnvURL, EnvToken))}, nil
	}
	s.cloud = &aws.Client{URL: url, Token: token, HTTP: &http.Client{Timeout: callTimeout}}
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

// StopProvider cancels every call in progress, when Terraform is interrupted.
func (s *Server) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse,
	error) {
	s.stopNow()
	return &tfprotov5.StopProviderResponse{}, nil
}

// stoppable returns a context that ends with the call or with StopProvider.
func (s *Server) stoppable(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	release := context.AfterFunc(s.stop, cancel)
	return ctx, func() { release(); cancel() }
}

func fail(what string, err error) []*tfprotov5.Diagnostic {
	return []*tfprotov5.Diagnostic{{Severity: tfprotov5.DiagnosticSeverityError, Summary: what + ": " + err.Error()}}
}

func firstText(values ...any) string {
	for _, v := range values {
		if s, ok := v.(string); ok && strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}
