package twiliosim

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Twilio's documented default keywords. A text that is one of them, and nothing more, acts on the block list and is
// answered by Twilio itself.
func keyword(text string) string {
	switch strings.ToUpper(strings.TrimSpace(text)) {
	case "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT":
		return "STOP"
	case "START", "YES", "UNSTOP":
		return "START"
	case "HELP", "INFO":
		return "HELP"
	}
	return ""
}

// keywordAnswer is what Twilio answers to a keyword.
func keywordAnswer(kind string) string {
	switch kind {
	case "STOP":
		return "You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe."
	case "START":
		return "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply."
	}
	return "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
}

// inbound posts a text that the owner of a telephone wrote, and carries the answer back.
func (s *Sim) inbound(ctx context.Context, from, to, text string) (Answer, error) {
	if err := ctx.Err(); err != nil { // a post over an in-process network would race with it
		return Answer{}, fmt.Errorf("posting an inbound message: %w", err)
	}
	m, target, form, err := s.written(from, to, text)
	if err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	answer := Answer{SID: m.SID, OptOutType: form.Get("OptOutType")}
	hook := webhook{url: target, form: form, token: s.token()}
	got, err := s.postInbound(ctx, m, hook)
	if err != nil {
		if s.ctx.Err() != nil {
			return answer, ErrClosed
		}
		if ctx.Err() != nil {
			return answer, fmt.Errorf("posting an inbound message: %w", ctx.Err())
		}
		answer.Errors = append(answer.Errors, err.Error())
		return answer, nil
	}
	answer.Status, answer.Body = got.status, string(got.body)
	bodies, problem := readMessages(got)
	if problem != "" {
		answer.Errors = append(answer.Errors, problem)
	}
	for _, body := range bodies {
		reply, refused := s.replied(m, body)
		if refused != nil {
			answer.Errors = append(answer.Errors, fmt.Sprintf("%d %s", refused.Code, refused.Message))
			continue
		}
		answer.Messages = append(answer.Messages, reply)
	}
	return answer, nil
}

// written stores an inbound message, lets a keyword act and makes the form to be posted.
func (s *Sim) written(from, to, text string) (Message, string, url.Values, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Message{}, "", nil, ErrClosed
	}
	if s.smsURL == "" {
		return Message{}, "", nil, ErrNoSMSURL
	}
	h := s.handset(from)
	if to == "" {
		to = s.ownNumber()
		for _, m := range slices.Backward(h.messages) {
			if m.Delivered() {
				to = m.From
				break
			}
		}
	}
	now := s.clock.Now()
	m := s.addMessage(Message{Direction: inbound, From: from, To: to, Body: text, Status: smsReceived, At: now}, h, s.opt.MessagingServiceSID)
	form := url.Values{
		"MessageSid": {m.SID}, "SmsSid": {m.SID}, "SmsMessageSid": {m.SID}, "SmsStatus": {smsReceived},
		"AccountSid": {s.opt.AccountSID}, "ApiVersion": {apiVersion}, "From": {from}, "To": {to}, "Body": {text},
		"NumMedia": {"0"}, "NumSegments": {itoa(m.Segments)},
		"FromCity": {""}, "FromState": {""}, "FromZip": {""}, "FromCountry": {""},
		"ToCity": {""}, "ToState": {""}, "ToZip": {""}, "ToCountry": {""},
	}
	if s.opt.MessagingServiceSID != "" {
		form.Set("MessagingServiceSid", s.opt.MessagingServiceSID)
	}
	if kind := keyword(text); kind != "" {
		form.Set("OptOutType", kind)
		if kind != "HELP" {
			h.optedOut = kind == "STOP"
		}
		s.handOver(h, Message{Direction: outboundReply, From: to, To: from, Body: keywordAnswer(kind), Keyword: true})
	}
	return m.Message, s.smsURL, form, nil
}

// handOver puts a message on the handset at once. The caller holds mu.
func (s *Sim) handOver(h *handset, m Message) Message {
	now := s.clock.Now()
	m.At, m.SentAt, m.DeliveredAt, m.Status = now, now, now, smsDelivered
	stored := s.addMessage(m, h, s.opt.MessagingServiceSID)
	s.record(Entry{At: now, Kind: LogArrived, SID: stored.SID, To: m.To, From: m.From, Body: m.Body, Accepted: true})
	return stored.Message
}

// replied puts an answer by TwiML on the handset.
func (s *Sim) replied(to Message, body string) (Message, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.handset(to.From)
	switch {
	case h.optedOut:
		return Message{}, refuse(codeOptedOut, "Attempt to send to unsubscribed recipient")
	case strings.TrimSpace(body) == "":
		return Message{}, refuse(codeNoBody, "Message body is required.")
	}
	return s.handOver(h, Message{Direction: outboundReply, From: to.To, To: to.From, Body: body}), nil
}

// postInbound posts the webhook and logs it; under DuplicateInbound twice, of which the first answer counts.
func (s *Sim) postInbound(ctx context.Context, m Message, hook webhook) (webhookAnswer, error) {
	s.mu.Lock()
	twice := s.chance(s.callback.DuplicateInbound)
	s.mu.Unlock()
	answer, err := s.postInboundOnce(ctx, m, hook)
	if twice {
		// The second answer is discarded, as the fault says; the log keeps what became of it.
		_, _ = s.postInboundOnce(ctx, m, hook)
	}
	return answer, err
}

func (s *Sim) postInboundOnce(ctx context.Context, m Message, hook webhook) (webhookAnswer, error) {
	at := s.clock.Now()
	answer, err := s.send(ctx, hook)
	e := Entry{At: at, Kind: LogInbound, SID: m.SID, To: m.To, From: m.From, Body: m.Body, Accepted: err == nil && answer.ok(), Status: answer.status}
	if err != nil {
		e.Detail = err.Error()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record(e)
	return answer, err
}

// readMessages finds what a webhook's answer says: TwiML, or plain text, which is a message as it stands.
func readMessages(a webhookAnswer) (bodies []string, problem string) {
	if !a.ok() {
		return nil, fmt.Sprintf("11200 HTTP retrieval failure: status %d", a.status)
	}
	if a.status == http.StatusNoContent {
		return nil, ""
	}
	kind, _, err := mime.ParseMediaType(a.contentType)
	if err != nil {
		return nil, "12300 invalid Content-Type"
	}
	if kind == "text/plain" {
		return []string{string(a.body)}, ""
	}
	if !isXML(kind) {
		return nil, "12300 invalid Content-Type " + kind
	}
	root, err := parseTwiML(a.body)
	if err != nil {
		return nil, err.Error()
	}
	for _, verb := range root.children {
		if verb.name != "Message" {
			problem = "12200 unknown verb <" + verb.name + ">"
			continue
		}
		body := verb.text
		for _, noun := range verb.children {
			if noun.name == "Body" {
				body += noun.text
			} else {
				problem = "12200 unknown noun <" + noun.name + ">"
			}
		}
		bodies = append(bodies, strings.TrimSpace(body))
	}
	return bodies, problem
}
