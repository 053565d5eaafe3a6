package webhook

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// topic is a TopicArn's parts.
type topic struct{ partition, region string }

var topicArn = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov|aws-iso|aws-iso-b|aws-iso-e|aws-iso-f|aws-eusc):sns:([a-z]{2,5}(?:-[a-z]+)+-\d):\d{12}:[A-Za-z0-9_.-]{1,256}$`)

func parseTopic(arn string) (topic, error) {
	m := topicArn.FindStringSubmatch(arn)
	if m == nil {
		return topic{}, errors.New("the TopicArn is none")
	}
	return topic{m[1], m[2]}, nil
}

// host is SNS' endpoint for the topic's region. Certificates are served there too.
func (t topic) host() string {
	suffix := map[string]string{"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-iso": "c2s.ic.gov",
		"aws-iso-b": "sc2s.sgov.gov", "aws-iso-e": "cloud.adc-e.uk", "aws-iso-f": "csp.hci.ic.gov", "aws-eusc": "amazonaws.eu"}[t.partition]
	return "sns." + t.region + "." + suffix
}

// names are the host names that a genuine certificate for the topic's region may carry, after Amazon's own list (class
// SnsHostProvider of the AWS SDK for Java): one name for the world, sns-signing for regions that must be opted into.
func (t topic) names() []string {
	switch t.partition {
	case "aws-cn":
		return []string{"sns-" + t.region + ".amazonaws.com.cn"}
	case "aws-us-gov":
		return []string{"sns-us-gov-west-1.amazonaws.com"}
	case "aws":
		return []string{"sns.amazonaws.com", "sns-signing." + t.region + ".amazonaws.com"}
	}
	rest := strings.TrimPrefix(t.host(), "sns.")
	return []string{"sns-signing." + rest, "sns-" + rest} // the newer and the older isolated partitions
}

var certificatePath = regexp.MustCompile(`^/SimpleNotificationService-[0-9a-z]{1,64}\.pem$`)

// checkCertificateURL refuses every address that is not exactly where the topic's region serves its certificate. It does
// no network I/O.
func checkCertificateURL(raw string, t topic) error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Host != t.host() || u.User != nil || u.RawQuery != "" || u.ForceQuery ||
		u.Fragment != "" || u.RawFragment != "" || u.Opaque != "" || u.RawPath != "" || !certificatePath.MatchString(u.Path) ||
		raw != "https://"+t.host()+u.Path {
		return errors.New("the certificate's address is not Amazon's for the topic's region")
	}
	return nil
}

// confirmURL is the confirmation request that we build ourselves: the URL that was sent is never fetched.
func (t topic) confirmURL(arn, token string) string {
	return "https://" + t.host() + "/?" + url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {arn}, "Token": {token}}.Encode()
}
