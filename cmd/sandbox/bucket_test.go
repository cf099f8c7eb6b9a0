package main

import (
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tfpilot/tfpilot/internal/sandbox"
)

const (
	idKey          = `req_[a-z0-9]{13}`
	correlationKey = `(plan|apply|destroy|cleanup|drift)-[0-9a-f]{32}`
)

// storedKeys are all keys that the requests' bucket may hold. Infra repositories' roles
// and other tools rely on them: a new one is a decision.
var storedKeys = map[string]*regexp.Regexp{
	"requests":     regexp.MustCompile(`^requests/` + idKey + `\.json$`),
	"history":      regexp.MustCompile(`^history/` + idKey + `\.json$`),
	"run index":    regexp.MustCompile(`^webhooks/github/run-index/(plan|apply|destroy|cleanup|drift)/run-[0-9]+\.json$`),
	"pull index":   regexp.MustCompile(`^webhooks/github/pr-index/[0-9]+/[0-9]+\.json$`),
	"stream":       regexp.MustCompile(`^webhooks/github/stream\.json$`),
	"logs":         regexp.MustCompile(`^logs/` + idKey + `/[0-9TZ.:]+-[0-9]+\.json$`),
	"environments": regexp.MustCompile(`^environments/[a-z0-9-]+/[a-z0-9-]+/[a-z0-9-]+\.json$`),
	"grants":       regexp.MustCompile(`^grants/[a-z0-9-]+/` + correlationKey + `\.json$`),
	"claims":       regexp.MustCompile(`^claims/[a-z0-9-]+/` + correlationKey + `\.json$`),
	"results": regexp.MustCompile(`^results/[a-z0-9-]+/` + correlationKey +
		`/(result\.json|summary\.json|plan\.txt)$`),
	"drafts":     regexp.MustCompile(`^drafts/T[A-Z0-9]+/U[A-Z0-9]+/[^/]+\.json$`),
	"identities": regexp.MustCompile(`^identities/T[A-Z0-9]+/U[A-Z0-9]+\.json$`),
}

// keysAreKnown lists the bucket with AWS's own client, as an operator does.
func (y *yard) keysAreKnown(want ...string) {
	y.t.Helper()
	seen := map[string]bool{}
	for _, key := range y.keys("human") {
		kind := ""
		for name, pattern := range storedKeys {
			if pattern.MatchString(key) {
				kind = name
			}
		}
		if kind == "" {
			y.t.Errorf("%s was stored, but not reported", key)
		}
		seen[kind] = true
	}
	for _, kind := range want {
		if !seen[kind] {
			y.t.Errorf("no key of %s is there", kind)
		}
	}
}

func (y *yard) keys(principal string) (keys []string) {
	y.t.Helper()
	o := s3.Options{Region: sandbox.Region, BaseEndpoint: aws.String(y.access.S3), UsePathStyle: true}
	for _, k := range y.access.Keys {
		if k.Principal == principal {
			o.Credentials = awscredentials.NewStaticCredentialsProvider(k.AccessKey, k.Secret, "")
		}
	}
	pages := s3.NewListObjectsV2Paginator(s3.New(o),
		&s3.ListObjectsV2Input{Bucket: aws.String(y.access.Env["TFPILOT_REQUESTS_BUCKET"]), MaxKeys: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(y.t.Context())
		if err != nil {
			y.t.Fatal(err)
		}
		for _, object := range page.Contents {
			keys = append(keys, *object.Key)
		}
	}
	return keys
}
