package store

import (
	"encoding/json"
	"fmt"
)

// Lifetime is how long S3 keeps the objects of one prefix of the requests bucket. They are
// deleted by the bucket's own lifecycle rules, so no process needs the right to delete what
// a run wrote.
type Lifetime struct {
	ID     string
	Prefix string
	Days   int
	Why    string // why so long, and what happens afterwards
}

// Lifetimes are all that expires. Documents, history, logs, environments, identities and the
// index of pull requests never do.
var Lifetimes = []Lifetime{
	{"probe", PrefixProbe, 1, "the probe deletes its objects itself; this deletes the objects of a probe that was killed"},
	{"grants", PrefixGrants, 30, "a grant lets a run do nothing after six hours; the worker deletes it earlier when " +
		"it is revoked or an apply or destroy ends"},
	{"drafts", PrefixDrafts, 30, "a conversation that no one continued; the person starts again"},
	{"claims", PrefixClaims, 90, "longer than its grant: without a claim, a second run could take the correlation id " +
		"while the grant counts"},
	{"run-index", PrefixRunIndex, 90, "GitHub repeats no run that is older than 30 days; a run without it is found by " +
		"its title"},
	{"results", PrefixResults, 400, "people read a plan and an apply compares with it for as long as it may be " +
		"approved; afterwards TfPilot asks for a re-plan"},
}

// What a bucket with versions keeps besides: each change of a document leaves a version.
const (
	OldVersionDays = 90 // to undo what was deleted or overwritten by mistake
	UploadDays     = 7  // parts of an upload that never ended
)

// lifecycleRule is one rule of S3, as `aws s3api put-bucket-lifecycle-configuration` takes it.
type lifecycleRule struct {
	ID     string `json:"ID"`
	Filter struct {
		Prefix string `json:"Prefix"`
	} `json:"Filter"`
	Status      string                    `json:"Status"`
	Expiration  lifecycleExpiration       `json:"Expiration"`
	OldVersions *lifecycleOldVersions     `json:"NoncurrentVersionExpiration,omitempty"`
	Uploads     *lifecycleUnfinishedParts `json:"AbortIncompleteMultipartUpload,omitempty"`
}

type lifecycleExpiration struct {
	Days         int  `json:"Days,omitempty"`
	DeleteMarker bool `json:"ExpiredObjectDeleteMarker,omitempty"`
}

type lifecycleOldVersions struct {
	Days int `json:"NoncurrentDays"`
}

type lifecycleUnfinishedParts struct {
	Days int `json:"DaysAfterInitiation"`
}

// RenderLifetimes writes the lifecycle rules of the requests bucket. The last one is about
// every object: in a bucket with versions, an object that expired stays as an old version.
func RenderLifetimes() ([]byte, error) {
	var config struct {
		Rules []lifecycleRule `json:"Rules"`
	}
	for _, l := range Lifetimes {
		rule := lifecycleRule{ID: l.ID, Status: "Enabled", Expiration: lifecycleExpiration{Days: l.Days}}
		rule.Filter.Prefix = l.Prefix
		config.Rules = append(config.Rules, rule)
	}
	config.Rules = append(config.Rules, lifecycleRule{
		ID: "old-versions", Status: "Enabled", Expiration: lifecycleExpiration{DeleteMarker: true},
		OldVersions: &lifecycleOldVersions{OldVersionDays}, Uploads: &lifecycleUnfinishedParts{UploadDays},
	})
	data, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("render lifecycle rules: %w", err)
	}
	return append(data, '\n'), nil
}
