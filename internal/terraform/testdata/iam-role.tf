# tfpilot:begin req_aaaaaaaaaaaaa
module "tfpilot_req_aaaaaaaaaaaaa" {
  source = "../../../modules/iam-role"

  description = "says \"$${hi}\" %%{if}\\"
  name        = "api"
  tags = {
    Environment      = "dev/app"
    ManagedBy        = "tfpilot"
    Project          = "core"
    TfPilotRequestId = "req_aaaaaaaaaaaaa"
  }
  trust_conditions = {
    "aws:SourceAccount" = "123456789012"
  }
  trusted_services = ["lambda.amazonaws.com"]
}
# tfpilot:end req_aaaaaaaaaaaaa
