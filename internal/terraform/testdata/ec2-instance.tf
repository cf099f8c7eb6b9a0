# tfpilot:begin req_aaaaaaaaaaaaa
module "tfpilot_req_aaaaaaaaaaaaa" {
  source = "../../../modules/ec2-instance"

  ami_id             = "ami-0123456789abcdef0"
  name               = "agent"
  security_group_ids = ["sg-0123456789abcdef0"]
  tags = {
    Environment      = "dev/app"
    ManagedBy        = "tfpilot"
    Project          = "core"
    TfPilotRequestId = "req_aaaaaaaaaaaaa"
  }
}
# tfpilot:end req_aaaaaaaaaaaaa
