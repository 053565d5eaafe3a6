package twilio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"pagerd/notify"
)

// outcome says what is known of an attempt that ended with err (nil: Twilio said yes) and perhaps a SID.
func (a *attempt) outcome(sid string, err error) notify.Outcome {
	var refused *apiError
	switch {
	case err == nil && sid != "":
		return notify.Outcome{Certainty: notify.Sent, ProviderID: sid}
	case errors.Is(err, errLeaseLost):
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonLeaseLost, Detail: "claim too old"}
	case errors.As(err, &refused):
		return a.refused(refused)
	case a.status >= 200 && a.status < 300:
		return notify.Outcome{Certainty: notify.MaybeSent, Reason: notify.ReasonProviderError, Detail: "accepted with an answer that makes no sense"}
	case !a.wrote():
		return notify.Outcome{Certainty: notify.NotSent, Reason: networkReason(err), Detail: a.failure(err).Error()}
	}
	return notify.Outcome{Certainty: notify.MaybeSent, Reason: networkReason(err), Detail: a.failure(err).Error()}
}

// failure is the error without addresses and numbers.
func (a *attempt) failure(err error) error {
	var refused *apiError
	var op *net.OpError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time")
	case errors.As(err, &op):
		return fmt.Errorf("%s failed", op.Op)
	}
	return errors.New("the connection failed")
}

func networkReason(err error) notify.Reason {
	var n net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout() {
		return notify.ReasonTimeout
	}
	return notify.ReasonUnreachable
}

// refused maps Twilio's own answer. 5xx may have sent; 429 and the other 4xx certainly have not.
func (a *attempt) refused(e *apiError) notify.Outcome {
	out := notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonRejected, Detail: e.Error()}
	switch {
	case e.Status >= 500:
		out.Certainty, out.Reason = notify.MaybeSent, notify.ReasonProviderError
	case e.Status == http.StatusTooManyRequests:
		out.Reason, out.After = notify.ReasonRateLimited, a.after
	case e.Status == http.StatusRequestTimeout:
		out.Reason = notify.ReasonProviderError
	case e.Status < 400:
		out.Reason, out.Alarm = notify.ReasonProviderError, true // a redirect: never followed with credentials
	default:
		out.Reason, out.Permanent, out.Alarm = meaning(e.Code, e.Status)
	}
	return out
}

// meaning is Twilio's error codes (documented in its error dictionary): whether another attempt on this number is useless,
// and whether the operators must act because settings of the account or of pagerd keep numbers from being reached.
func meaning(code, status int) (reason notify.Reason, permanent, alarm bool) {
	switch code {
	case 21610: // the person texted STOP
		return notify.ReasonOptedOut, true, true
	case 21211, 21214, 21217, 21401, 21614, 21635, 13223, 13224, 13227, 30004, 30005, 30006: // no such number, or not for this
		return notify.ReasonBadNumber, true, false
	case 21202, 21203, 21215, 21216, 21219, 21408, 21608, 21612: // this account may not reach this number: country, trial, route
		return notify.ReasonBadNumber, true, true
	case 10001, 20003, 20005, 20006, 20404, 30002: // token, account suspended or closed, no such account
		return notify.ReasonBadCredentials, false, true // the operators can mend it while it is tried again
	case 21205, 21210, 21212, 21606, 21609, 21659, 21660, 30032, 30034: // from or public_url is not usable
		return notify.ReasonBadCredentials, false, true
	case 10004, 14107, 20429, 21611, 30001: // too fast, queue full
		return notify.ReasonRateLimited, false, false
	case 30003, 30007, 30008:
		return notify.ReasonUndelivered, true, false
	case 0: // not Twilio's error: a proxy, or an address that is not Twilio's
		if status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusProxyAuthRequired {
			return notify.ReasonBadCredentials, false, true
		}
		return notify.ReasonProviderError, false, true
	}
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return notify.ReasonBadCredentials, false, true
	}
	return notify.ReasonRejected, true, false
}
