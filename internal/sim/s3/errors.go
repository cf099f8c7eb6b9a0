package s3

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
)

// apiError is an error of the S3 API.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

var (
	errAccessDenied = &apiError{403, "AccessDenied", "Access Denied"}
	errSignature    = &apiError{403, "SignatureDoesNotMatch",
		"The request signature we calculated does not match the signature you provided. Check your key and signing method."}
	errInvalidAccessKey = &apiError{403, "InvalidAccessKeyId",
		"The AWS Access Key Id you provided does not exist in our records."}
	errSkewed = &apiError{403, "RequestTimeTooSkewed",
		"The difference between the request time and the current time is too large."}
	errInvalidToken = &apiError{400, "InvalidToken", "The provided token is malformed or otherwise invalid."}
	errAuthHeader   = &apiError{400, "AuthorizationHeaderMalformed",
		"The authorization header that you provided is not valid."}
	errMissingSHA = &apiError{400, "InvalidRequest",
		"Missing required header for this request: x-amz-content-sha256"}
	errSHAMismatch = &apiError{400, "XAmzContentSHA256Mismatch",
		"The provided 'x-amz-content-sha256' header does not match what was computed."}
	errBadDigest = &apiError{400, "BadDigest",
		"The checksum you specified did not match the calculated checksum."}
	errInvalidDigest  = &apiError{400, "InvalidDigest", "The Content-MD5 you specified is not valid."}
	errIncompleteBody = &apiError{400, "IncompleteBody", "The request body terminated unexpectedly"}
	errEntityTooLarge = &apiError{400, "EntityTooLarge",
		"Your proposed upload exceeds the maximum allowed object size."}
	errInvalidArgument = &apiError{400, "InvalidArgument", "Invalid Argument"}
	errInvalidURI      = &apiError{400, "InvalidURI", "Couldn't parse the specified URI."}
	errKeyTooLong      = &apiError{400, "KeyTooLongError", "Your key is too long"}
	errInvalidRange    = &apiError{416, "InvalidRange", "The requested range is not satisfiable"}
	errNoSuchBucket    = &apiError{404, "NoSuchBucket", "The specified bucket does not exist"}
	errNoSuchKey       = &apiError{404, "NoSuchKey", "The specified key does not exist."}
	errPrecondition    = &apiError{412, "PreconditionFailed",
		"At least one of the pre-conditions you specified did not hold"}
	errNotImplemented = &apiError{501, "NotImplemented",
		"A header or query you provided implies functionality that is not implemented."}
	errConflict = &apiError{409, "ConditionalRequestConflict",
		"The conditional request cannot succeed due to a conflicting operation against this resource."}
	errSlowDown           = &apiError{503, "SlowDown", "Please reduce your request rate."}
	errInternal           = &apiError{500, "InternalError", "We encountered an internal error. Please try again."}
	errUnavailable        = &apiError{503, "ServiceUnavailable", "Service is unable to handle request."}
	errConditionalMissing = &apiError{403, "AccessDenied",
		"Access Denied: this principal may only put objects conditionally"}
)

type errorBody struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string   `xml:"Code"`
	Message   string   `xml:"Message"`
	Bucket    string   `xml:"BucketName,omitempty"`
	Key       string   `xml:"Key,omitempty"`
	RequestID string   `xml:"RequestId"`
	HostID    string   `xml:"HostId"`
}

func errorReply(c *call, err error) reply {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{http.StatusInternalServerError, errInternal.code, err.Error()}
	}
	if e.status == http.StatusNotModified {
		return reply{status: e.status}
	}
	return xmlReply(e.status, errorBody{
		Code: e.code, Message: e.message, Bucket: c.bucket, Key: c.key,
		RequestID: c.id, HostID: c.id + c.id,
	})
}

func xmlReply(status int, v any) reply {
	body, err := xml.Marshal(v)
	if err != nil {
		body = fmt.Appendf(nil, "<Error><Code>%s</Code></Error>", errInternal.code)
	}
	h := http.Header{}
	h.Set("Content-Type", "application/xml")
	return reply{status: status, header: h, body: append([]byte(xml.Header), body...)}
}
