package aws

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
)

// rule holds the AWS rules for one type of object, besides Terraform's schema.
type rule struct {
	taken   *Error // answer to a second create; nil: a put, which replaces
	missing string // AWS error code for an object that does not exist
	parent  string // type that must exist …
	link    string // … under the id in this attribute
	name    func(id string) *Error
}

const (
	bucketType     = "aws_s3_bucket"
	repositoryType = "aws_ecr_repository"
	roleType       = "aws_iam_role"
	attachmentType = "aws_iam_role_policy_attachment"
	instanceType   = "aws_instance"
	logGroupType   = "aws_cloudwatch_log_group"
)

var rules = map[string]rule{
	bucketType: {
		taken: &Error{409, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you already own it."},
		missing: "NoSuchBucket", name: bucketName,
	},
	"aws_s3_bucket_public_access_block": {missing: "NoSuchPublicAccessBlockConfiguration",
		parent: bucketType, link: "bucket"},
	"aws_s3_bucket_ownership_controls": {missing: "OwnershipControlsNotFoundError", parent: bucketType,
		link: "bucket"},
	"aws_s3_bucket_versioning": {missing: "NoSuchBucket", parent: bucketType, link: "bucket"},
	"aws_s3_bucket_server_side_encryption_configuration": {missing: "ServerSideEncryptionConfigurationNotFoundError",
		parent: bucketType, link: "bucket"},
	"aws_s3_bucket_lifecycle_configuration": {missing: "NoSuchLifecycleConfiguration", parent: bucketType, link: "bucket"},
	"aws_s3_bucket_policy":                  {missing: "NoSuchBucketPolicy", parent: bucketType, link: "bucket"},
	instanceType:                            {missing: "InvalidInstanceID.NotFound"},
	repositoryType: {
		taken: &Error{400, "RepositoryAlreadyExistsException",
			"The repository with that name already exists in the registry with id '" + Account + "'"},
		missing: "RepositoryNotFoundException",
	},
	"aws_ecr_lifecycle_policy": {missing: "LifecyclePolicyNotFoundException", parent: repositoryType, link: "repository"},
	logGroupType: {
		taken:   &Error{400, "ResourceAlreadyExistsException", "The specified log group already exists"},
		missing: "ResourceNotFoundException",
	},
	roleType: {
		taken:   &Error{409, "EntityAlreadyExists", "Role with that name already exists."},
		missing: "NoSuchEntity",
	},
	attachmentType: {missing: "NoSuchEntity", parent: roleType, link: "role"},
}

// takenElsewhere lists bucket names that belong to other accounts.
var takenElsewhere = []string{"test", "data", "logs", "backup", "backups", "bucket", "images", "assets", "static",
	"artifacts"}

var validBucket = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func bucketName(id string) *Error {
	invalid := !validBucket.MatchString(id) || strings.Contains(id, "..") || net.ParseIP(id) != nil ||
		strings.HasPrefix(id, "xn--") || strings.HasPrefix(id, "sthree-") || strings.HasSuffix(id, "-s3alias") ||
		strings.HasSuffix(id, "--ol-s3")
	if invalid {
		return &Error{400, "InvalidBucketName", "The specified bucket is not valid."}
	}
	if slices.Contains(takenElsewhere, id) {
		return &Error{409, "BucketAlreadyExists",
			"The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."}
	}
	return nil
}

func notFound(typ, id string) *Error {
	code := rules[typ].missing
	if code == "" {
		code = "ResourceNotFoundException"
	}
	return &Error{404, code, fmt.Sprintf("%s %s does not exist", typ, id)}
}

func (s *Server) mayCreate(k key, attributes map[string]any, exists bool) error {
	r, known := rules[k.typ]
	if !known {
		return &Error{400, "InvalidAction", "The action or operation requested is invalid: " + k.typ + " is not simulated."}
	}
	if exists && r.taken != nil {
		return r.taken
	}
	if r.name != nil {
		if err := r.name(k.id); err != nil {
			return err
		}
	}
	if r.parent == "" {
		return nil
	}
	owner, _ := attributes[r.link].(string)
	if _, ok := s.objects[key{r.parent, owner}]; !ok {
		return notFound(r.parent, owner)
	}
	return nil
}

func (s *Server) mayDelete(obj Object) error {
	set := func(name string) bool { v, _ := obj.Attributes[name].(bool); return v }
	switch {
	case obj.Type == bucketType && obj.Contents > 0 && !set("force_destroy"):
		return &Error{409, "BucketNotEmpty", "The bucket you tried to delete is not empty"}
	case obj.Type == repositoryType && obj.Contents > 0 && !set("force_delete"):
		return &Error{400, "RepositoryNotEmptyException",
			fmt.Sprintf(
				"The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images",
				obj.ID, Account)}
	case obj.Type == instanceType && set("disable_api_termination"):
		return &Error{400, "OperationNotPermitted",
			fmt.Sprintf(
				"The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
				obj.ID)}
	case obj.Type == roleType && !set("force_detach_policies") && len(s.parts(obj)) > 0:
		return &Error{409, "DeleteConflict", "Cannot delete entity, must detach all policies first."}
	}
	return nil
}

// parts lists the objects that belong to an object and are deleted with it.
func (s *Server) parts(obj Object) []key {
	var out []key
	for k, other := range s.objects {
		r := rules[k.typ]
		if r.parent == obj.Type && other.Attributes[r.link] == obj.ID {
			out = append(out, k)
		}
	}
	return out
}

func (s *Server) dropParts(obj Object) {
	for _, k := range s.parts(obj) {
		delete(s.objects, k)
	}
}
