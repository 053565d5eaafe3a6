package twiliosim

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const apiVersion = "2010-04-01"

// field is a parameter of an operation as Twilio's OpenAPI document declares it.
type field struct {
	name     string
	kind     string // string, integer, number, boolean, array
	format   string // as in the document, where it is checked: date-time
	pattern  string // of SIDs
	values   []string
	required bool
}

// operations are the parameters of the operations that the simulator offers. A test holds them against Twilio's
// OpenAPI document.
type operations struct {
	createMessage, createCall, updateCall, listMessages, listCalls map[string]field
}

func twilioOperations() operations {
	methods := []string{"GET", "POST"}
	statuses := []string{"queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"}
	return operations{
		createMessage: fields(
			field{name: "To", required: true}, field{name: "From"}, field{name: "Body"},
			sidField("MessagingServiceSid", "MG"), field{name: "MediaUrl", kind: "array"}, sidField("ContentSid", "HX"),
			field{name: "StatusCallback"}, sidField("ApplicationSid", "AP"), field{name: "MaxPrice", kind: "number"},
			field{name: "ProvideFeedback", kind: "boolean"}, field{name: "Attempt", kind: "integer"},
			field{name: "ValidityPeriod", kind: "integer"}, field{name: "ForceDelivery", kind: "boolean"},
			field{name: "ContentRetention", values: []string{"retain", "discard"}},
			field{name: "AddressRetention", values: []string{"retain", "obfuscate"}},
			field{name: "SmartEncoded", kind: "boolean"}, field{name: "PersistentAction", kind: "array"},
			field{name: "TrafficType", values: []string{"free"}}, field{name: "ShortenUrls", kind: "boolean"},
			field{name: "ScheduleType", values: []string{"fixed"}}, field{name: "SendAt", format: "date-time"},
			field{name: "SendAsMms", kind: "boolean"}, field{name: "ContentVariables"},
			field{name: "RiskCheck", values: []string{"enable", "disable"}}, field{name: "FallbackFrom"},
		),
		createCall: fields(
			field{name: "To", required: true}, field{name: "From", required: true},
			field{name: "Url"}, field{name: "Twiml"}, sidField("ApplicationSid", "AP"),
			field{name: "Method", values: methods}, field{name: "FallbackUrl"}, field{name: "FallbackMethod", values: methods},
			field{name: "StatusCallback"}, field{name: "StatusCallbackEvent", kind: "array"},
			field{name: "StatusCallbackMethod", values: methods}, field{name: "SendDigits"},
			field{name: "Timeout", kind: "integer"}, field{name: "Record", kind: "boolean"}, field{name: "RecordingChannels"},
			field{name: "RecordingStatusCallback"}, field{name: "RecordingStatusCallbackMethod", values: methods},
			field{name: "RecordingStatusCallbackEvent", kind: "array"}, field{name: "RecordingTrack"},
			field{name: "SipAuthUsername"}, field{name: "SipAuthPassword"}, field{name: "Trim"}, field{name: "CallerId"},
			field{name: "MachineDetection"}, field{name: "MachineDetectionTimeout", kind: "integer"},
			field{name: "MachineDetectionSpeechThreshold", kind: "integer"},
			field{name: "MachineDetectionSpeechEndThreshold", kind: "integer"},
			field{name: "MachineDetectionSilenceTimeout", kind: "integer"},
			field{name: "AsyncAmd"}, field{name: "AsyncAmdStatusCallback"},
			field{name: "AsyncAmdStatusCallbackMethod", values: methods}, sidField("Byoc", "BY"),
			field{name: "CallReason"}, field{name: "CallToken"}, field{name: "TimeLimit", kind: "integer"},
			field{name: "ClientNotificationUrl"},
		),
		updateCall: fields(
			field{name: "Url"}, field{name: "Method", values: methods},
			field{name: "Status", values: []string{"canceled", "completed"}},
			field{name: "FallbackUrl"}, field{name: "FallbackMethod", values: methods},
			field{name: "StatusCallback"}, field{name: "StatusCallbackMethod", values: methods},
			field{name: "Twiml"}, field{name: "TimeLimit", kind: "integer"},
		),
		listMessages: fields(
			field{name: "To"}, field{name: "From"}, field{name: "DateSent", format: "date-time"},
			field{name: "DateSent<", format: "date-time"}, field{name: "DateSent>", format: "date-time"},
			field{name: "PageSize", kind: "integer"}, field{name: "Page", kind: "integer"}, field{name: "PageToken"},
		),
		listCalls: fields(
			field{name: "To"}, field{name: "From"}, sidField("ParentCallSid", "CA"), field{name: "Status", values: statuses},
			field{name: "StartTime", format: "date-time"}, field{name: "StartTime<", format: "date-time"},
			field{name: "StartTime>", format: "date-time"}, field{name: "EndTime", format: "date-time"},
			field{name: "EndTime<", format: "date-time"}, field{name: "EndTime>", format: "date-time"},
			field{name: "PageSize", kind: "integer"}, field{name: "Page", kind: "integer"}, field{name: "PageToken"},
		),
	}
}

func sidField(name, prefix string) field {
	return field{name: name, pattern: "^" + prefix + "[0-9a-fA-F]{32}$"}
}

func fields(list ...field) map[string]field {
	byName := make(map[string]field, len(list))
	for _, f := range list {
		if f.kind == "" {
			f.kind = "string"
		}
		byName[f.name] = f
	}
	return byName
}

// documentedValues are the values that Twilio's documentation gives where its OpenAPI document says only "string".
func documentedValues(name string) []string {
	switch name {
	case "StatusCallbackEvent":
		return []string{"initiated", "ringing", "answered", "completed"}
	case "MachineDetection":
		return []string{"Enable", "DetectMessageEnd"}
	case "AsyncAmd":
		return []string{"true", "false"}
	}
	return nil
}

// check refuses names that the operation does not have, values that do not fit and keys given twice. It is stricter
// than Twilio, which ignores names it does not know: in a test an unknown name is a spelling mistake.
func check(declared map[string]field, form url.Values) *apiError {
	for name, values := range form {
		f, ok := declared[name]
		if !ok {
			return refuse(codeUnknownParameter, "Unknown parameters: '%s' is not allowed", name)
		}
		if f.kind != "array" && len(values) > 1 {
			return refuse(codeInvalidParameter, "Parameter '%s' is given %d times", name, len(values))
		}
		for _, v := range values {
			if v != "" && !f.fits(v) {
				return refuse(codeInvalidParameter, "Parameter '%s' has the invalid value '%s'", name, v)
			}
		}
	}
	return nil
}

func (f field) fits(value string) bool {
	allowed := f.values
	if allowed == nil {
		allowed = documentedValues(f.name)
	}
	if allowed != nil && !slices.Contains(allowed, value) {
		return false
	}
	if f.pattern != "" && !regexp.MustCompile(f.pattern).MatchString(value) {
		return false
	}
	if f.format == "date-time" {
		_, ok := parseDate(value)
		return ok
	}
	switch f.kind {
	case "integer":
		_, err := strconv.Atoi(value)
		return err == nil
	case "number":
		_, err := strconv.ParseFloat(value, 64)
		return err == nil
	case "boolean":
		return value == "true" || value == "false"
	}
	return true
}

// parseDate reads a date or an instant as the list filters take them; a date is midnight UTC.
func parseDate(value string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, value); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// e164 is a telephone number as Twilio wants it: plus, no leading zero, at most 15 digits.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

func isURL(value string) bool {
	u, err := url.Parse(value)
	return err == nil && u.Host != "" && (strings.EqualFold(u.Scheme, "http") || strings.EqualFold(u.Scheme, "https"))
}
