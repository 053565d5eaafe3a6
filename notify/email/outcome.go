package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	"github.com/wneessen/go-mail"

	"pagerd/notify"
)

// dialFailure tells why no conversation began: nothing of the mail was sent.
func dialFailure(ctx context.Context, err error) notify.Outcome {
	out := notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonUnreachable, Detail: "no connection to the SMTP server"}
	var proto *textproto.Error
	switch {
	case expired(ctx, err):
		out.Reason, out.Detail = notify.ReasonTimeout, "the SMTP server did not answer in time"
	case errors.As(err, &proto) && proto.Code >= 500:
		out.Reason, out.Alarm, out.Detail = notify.ReasonBadCredentials, true, fmt.Sprintf("the SMTP server refused us with %d", proto.Code)
	case errors.As(err, &proto):
		out.Reason, out.Detail = notify.ReasonProviderError, fmt.Sprintf("the SMTP server put us off with %d", proto.Code)
	case untrusted(err):
		out.Alarm, out.Detail = true, "TLS with the SMTP server failed"
	case noLogin(err):
		out.Reason, out.Alarm, out.Detail = notify.ReasonBadCredentials, true, "the SMTP server takes no login of ours"
	}
	return out
}

func expired(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded)
}

// untrusted reports a certificate that does not hold, a server that does not speak TLS or has none to offer.
func untrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &authority) ||
		errors.As(err, &host) || strings.Contains(err.Error(), "STARTTLS mode set to") // go-mail has no value for this one
}

// noLogin reports that the server and we have no way of logging in together; a refused password is an answer with a code.
func noLogin(err error) bool {
	return errors.Is(err, mail.ErrNoSupportedAuthDiscovered) || strings.Contains(err.Error(), "server does not support SMTP AUTH")
}

// sendOutcome tells what became of the mail. A server's answer says that it did not take it; a connection lost between
// its last byte and the answer says nothing; and what is lost afterwards does not matter.
func sendOutcome(ctx context.Context, err error) notify.Outcome {
	if err == nil {
		return notify.Outcome{Certainty: notify.Sent}
	}
	var e *mail.SendError
	if !errors.As(err, &e) {
		return notify.Outcome{Certainty: notify.MaybeSent, Reason: lost(ctx, err), Detail: "the SMTP conversation failed"}
	}
	code := e.ErrorCode()
	switch {
	case e.Reason == mail.ErrSMTPReset:
		return notify.Outcome{Certainty: notify.Sent}
	case code >= 500:
		return refused(e)
	case code >= 400:
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonProviderError, Detail: fmt.Sprintf("the SMTP server put it off with %d", code)}
	case e.Reason == mail.ErrSMTPDataClose:
		return notify.Outcome{Certainty: notify.MaybeSent, Reason: lost(ctx, err), Detail: "no answer to the mail"}
	case e.Reason == mail.ErrGetSender || e.Reason == mail.ErrGetRcpts || e.Reason == mail.ErrNoUnencoded:
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonRejected, Permanent: true, Detail: "the mail cannot be sent to this server"}
	}
	return notify.Outcome{Certainty: notify.NotSent, Reason: lost(ctx, err), Detail: "the SMTP connection was lost before the mail was whole"}
}

func lost(ctx context.Context, err error) notify.Reason {
	if expired(ctx, err) {
		return notify.ReasonTimeout
	}
	return notify.ReasonUnreachable
}

// refused is a definite no. Only a refused recipient says something about the person's address; a refused sender, or a
// refusal for reasons of policy (5.7.x, RFC 3463), is the operators' to mend.
func refused(e *mail.SendError) notify.Outcome {
	out := notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonRejected, Permanent: true, Detail: fmt.Sprintf("the SMTP server refused with %d", e.ErrorCode())}
	policy := strings.HasPrefix(e.EnhancedStatusCode(), "5.7.")
	switch {
	case e.Reason == mail.ErrSMTPMailFrom || policy:
		out.Alarm = true
	case e.Reason == mail.ErrSMTPRcptTo:
		out.Reason = notify.ReasonBadNumber
	}
	return out
}
