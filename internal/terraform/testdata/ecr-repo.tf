# tfpilot:begin req_aaaaaaaaaaaaa
module "tfpilot_req_aaaaaaaaaaaaa" {
  source = "../../../modules/ecr-repo"

  keep_images = 50
  name        = "payments/api"
  tags = {
    Environment      = "dev/app"
    ManagedBy        = "tfpilot"
    Project          = "core"
    TfPilotRequestId = "req_aaaaaaaaaaaaa"
  }
}
# tfpilot:end req_aaaaaaaaaaaaa
