# tfpilot:begin req_aaaaaaaaaaaaa
module "tfpilot_req_aaaaaaaaaaaaa" {
  source = "../../../modules/s3-bucket"

  expire_days = 30
  name        = "acme-artifacts"
  reader_arns = [
    "arn:aws:iam::123456789012:role/a",
    "arn:aws:iam::123456789012:role/b",
  ]
  tags = {
    Environment      = "dev/app"
    ManagedBy        = "tfpilot"
    Project          = "core"
    Team             = "build"
    TfPilotRequestId = "req_aaaaaaaaaaaaa"
    "for"            = "$${self}"
  }
  versioning = true
}
# tfpilot:end req_aaaaaaaaaaaaa
