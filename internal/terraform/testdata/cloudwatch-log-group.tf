# tfpilot:begin req_aaaaaaaaaaaaa
module "tfpilot_req_aaaaaaaaaaaaa" {
  source = "../../../modules/cloudwatch-log-group"

  name           = "/acme/api"
  retention_days = 90
  tags = {
    Environment      = "dev/app"
    ManagedBy        = "tfpilot"
    Project          = "core"
    TfPilotRequestId = "req_aaaaaaaaaaaaa"
  }
}
# tfpilot:end req_aaaaaaaaaaaaa
