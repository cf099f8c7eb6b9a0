package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// These methods complete the protocol for features that this provider does not have. Terraform does
// not call them.

var errUnserved = errors.New("the sandbox's AWS provider has resources only")

var ignoreUndefined = tftypes.ValueFromJSONOpts{IgnoreUndefinedAttributes: true}

// GetResourceIdentitySchemas declares no identities.
func (s *Server) GetResourceIdentitySchemas(context.Context,
	*tfprotov5.GetResourceIdentitySchemasRequest) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

// UpgradeResourceIdentity is never needed.
func (s *Server) UpgradeResourceIdentity(context.Context,
	*tfprotov5.UpgradeResourceIdentityRequest) (*tfprotov5.UpgradeResourceIdentityResponse, error) {
	return nil, errUnserved
}

// MoveResourceState refuses moves between types.
func (s *Server) MoveResourceState(context.Context,
	*tfprotov5.MoveResourceStateRequest) (*tfprotov5.MoveResourceStateResponse, error) {
	return &tfprotov5.MoveResourceStateResponse{Diagnostics: fail("move resource state", errUnserved)}, nil
}

// GenerateResourceConfig is not supported.
func (s *Server) GenerateResourceConfig(context.Context,
	*tfprotov5.GenerateResourceConfigRequest) (*tfprotov5.GenerateResourceConfigResponse, error) {
	return nil, errUnserved
}

// ValidateDataSourceConfig: there are no data sources.
func (s *Server) ValidateDataSourceConfig(context.Context,
	*tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return nil, errUnserved
}

// ReadDataSource: there are no data sources.
func (s *Server) ReadDataSource(context.Context, *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse,
	error) {
	return nil, errUnserved
}

// GetFunctions declares no functions.
func (s *Server) GetFunctions(context.Context, *tfprotov5.GetFunctionsRequest) (*tfprotov5.GetFunctionsResponse,
	error) {
	return &tfprotov5.GetFunctionsResponse{}, nil
}

// CallFunction: there are no functions.
func (s *Server) CallFunction(context.Context, *tfprotov5.CallFunctionRequest) (*tfprotov5.CallFunctionResponse,
	error) {
	return nil, errUnserved
}

// ValidateEphemeralResourceConfig: there are no ephemeral resources.
func (s *Server) ValidateEphemeralResourceConfig(context.Context,
	*tfprotov5.ValidateEphemeralResourceConfigRequest) (*tfprotov5.ValidateEphemeralResourceConfigResponse, error) {
	return nil, errUnserved
}

// OpenEphemeralResource: there are no ephemeral resources.
func (s *Server) OpenEphemeralResource(context.Context,
	*tfprotov5.OpenEphemeralResourceRequest) (*tfprotov5.OpenEphemeralResourceResponse, error) {
	return nil, errUnserved
}

// RenewEphemeralResource: there are no ephemeral resources.
func (s *Server) RenewEphemeralResource(context.Context,
	*tfprotov5.RenewEphemeralResourceRequest) (*tfprotov5.RenewEphemeralResourceResponse, error) {
	return nil, errUnserved
}

// CloseEphemeralResource: there are no ephemeral resources.
func (s *Server) CloseEphemeralResource(context.Context,
	*tfprotov5.CloseEphemeralResourceRequest) (*tfprotov5.CloseEphemeralResourceResponse, error) {
	return nil, errUnserved
}
