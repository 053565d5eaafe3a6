package webhook

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"pagerd/gateway/alert"
)

// sns is one SNS request after its credential was checked.
func (h *Handler) sns(ctx context.Context, w http.ResponseWriter, r *http.Request, src source, body []byte) {
	if r.Header.Get("X-Amz-Sns-Rawdelivery") == "true" {
		h.raw(ctx, w, r, src, body)
		return
	}
	e, err := parseEnvelope(body)
	if err != nil {
		h.finish(ctx, w, src.Name, alert.Batch{}, err)
		return
	}
	if kind := r.Header.Get("X-Amz-Sns-Message-Type"); kind != "" && kind != e.Type {
		h.distrust(w, src, "header and body name different types")
		return
	}
	if !src.topics[e.TopicArn] {
		if _, err := parseTopic(e.TopicArn); err == nil { // only what has an ARN's form goes into a log
			h.o.Log.Warn("a topic that is not in the source's list", zap.String("source", src.Name), zap.String("topic", e.TopicArn))
		}
		h.distrust(w, src, "the topic is not in the source's list")
		return
	}
	if h.o.SNS == nil {
		h.distrust(w, src, "no verifier")
		return
	}
	if err := h.o.SNS.verify(ctx, e); errors.Is(err, errTransient) {
		h.o.Observe(src.Name, "unavailable")
		h.o.Log.Warn("SNS message not verified; SNS is told to come again", zap.String("source", src.Name), zap.Error(err))
		later(w, "the signature could not be checked now")
		return
	} else if err != nil {
		h.distrust(w, src, err.Error())
		return
	}
	h.verified(ctx, w, src, e)
}

// verified acts on a genuine message of an allow-listed topic.
func (h *Handler) verified(ctx context.Context, w http.ResponseWriter, src source, e envelope) {
	switch e.Type {
	case "SubscriptionConfirmation":
		if err := h.o.SNS.confirm(ctx, e.TopicArn, e.Token); err != nil {
			h.o.Observe(src.Name, "unavailable")
			h.o.Log.Warn("subscription not confirmed", zap.String("source", src.Name), zap.Error(err))
			later(w, "the subscription could not be confirmed now")
			return
		}
		h.o.Observe(src.Name, "confirmed")
		h.o.Log.Info("subscription confirmed", zap.String("source", src.Name), zap.String("topic", e.TopicArn))
		w.WriteHeader(http.StatusOK)
	case "UnsubscribeConfirmation":
		// Not undone by itself: whoever unsubscribed may have had the right to. The topic's alarms stop, so somebody is told.
		h.o.Log.Error("a topic's subscription was ended", zap.String("source", src.Name), zap.String("topic", e.TopicArn))
		a := catchAll(src.Name, e.TopicArn, "unsubscribed", "the end of a subscription",
			"The subscription of "+e.TopicArn+" was ended: its alarms do not arrive any more", e.published())
		h.finish(ctx, w, src.Name, alert.Batch{Source: src.Name, Alerts: []alert.Alert{a}}, nil)
	default:
		subject := ""
		if e.Subject != nil {
			subject = *e.Subject
		}
		h.message(ctx, w, src, e.TopicArn, subject, []byte(e.Message), e.published())
	}
}

// raw takes a message without an envelope: nothing is signed, so the source must be guarded by a credential of its own.
func (h *Handler) raw(ctx context.Context, w http.ResponseWriter, r *http.Request, src source, body []byte) {
	topic := r.Header.Get("X-Amz-Sns-Topic-Arn")
	if !src.Raw || !src.guarded() { // its credential was checked at the door
		h.distrust(w, src, "raw delivery is not allowed for this source")
		return
	}
	if !src.topics[topic] {
		h.distrust(w, src, "the topic is not in the source's list")
		return
	}
	h.message(ctx, w, src, topic, "", body, h.o.Now())
}

// message hands on what a topic said.
func (h *Handler) message(ctx context.Context, w http.ResponseWriter, src source, topic, subject string, text []byte, at time.Time) {
	a, what := ParseCloudWatch(text, src.Name, src.InsufficientData)
	switch what {
	case Ignored:
		h.o.Observe(src.Name, "ignored")
		w.WriteHeader(http.StatusOK)
		return
	case NotAnAlarm:
		why := "a message that is no alarm"
		if subject == "" {
			subject = why
		}
		a = catchAll(src.Name, topic, subject, why, "The topic published: "+clip(subject, 120), at)
	}
	h.finish(ctx, w, src.Name, alert.Batch{Source: src.Name, Alerts: []alert.Alert{a}}, nil)
}

// distrust refuses for good: SNS does not try again after 403, and the dead-letter queue keeps the message.
func (h *Handler) distrust(w http.ResponseWriter, src source, reason string) {
	h.o.Observe(src.Name, "unauthorized")
	h.o.Log.Warn("SNS message refused", zap.String("source", src.Name), zap.String("reason", reason))
	refuse(w, http.StatusForbidden, "the message is not trusted: "+reason, "list the topic's ARN under the source's topics")
}
