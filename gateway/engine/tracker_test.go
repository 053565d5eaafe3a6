package engine_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pagerd/config"
	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/page"
	"pagerd/gateway/postmortem"
	"pagerd/gateway/store/memstore"
	"pagerd/notify"
	"pagerd/schedule"
)

const tracked = written + `
operators: [{sms: "+34600000009"}]
incidents: {tracker: {url: "https://tracker.example.com/hook", secret: 0123456789abcdef}}
`

// hook is an engine with an issue tracker.
type hook struct {
	*engine.Engine
	cfg          *config.Config
	tracker, sms *provider
}

func newHook(t *testing.T, st *memstore.Store) *hook {
	t.Helper()
	return (&hook{tracker: &provider{}, sms: &provider{}}).begin(t, st)
}

func (h *hook) begin(t *testing.T, st *memstore.Store) *hook {
	t.Helper()
	cfg, err := config.Parse("test.yaml", []byte(tracked), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	h.cfg = cfg
	h.Engine, err = engine.New(t.Context(), engine.Options{Store: st, Config: func() *config.Config { return h.cfg }, Serial: true,
		Senders: map[notify.Channel]engine.Sender{notify.SMS: h.sms, notify.Email: &provider{}, notify.Tracker: h.tracker}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// item is one that is owed for incident 1001.
func (h *hook) item(t *testing.T, now time.Time) postmortem.Action {
	t.Helper()
	fires(t, h.Engine, "Down", "SEV-2", now)
	acks(t, h.Engine, "ana", now, 1001)
	if _, err := h.Incident(t.Context(), 1001, incident.Resolve{By: "ana", Channel: "cli"}, "", now); err != nil {
		t.Fatal(err)
	}
	due, _ := schedule.ParseDate("2026-06-01")
	a, err := h.OpenAction(t.Context(), 1001, postmortem.Item{Title: "<rotate> the certificate", Owner: "ben", Due: due, Priority: postmortem.P1, Criterion: "it rotated"},
		page.Actor{Person: "ana", Channel: "cli"}, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (h *hook) told(t *testing.T) (events []string) {
	t.Helper()
	for _, n := range h.tracker.sent {
		var w postmortem.Webhook
		if err := json.Unmarshal([]byte(n.Text), &w); err != nil {
			t.Fatal(err)
		}
		events = append(events, n.Title+" "+w.Event+" "+w.Action.Title)
	}
	return events
}

func TestTheTrackerIsToldOfEachChangeOnce(t *testing.T) {
	st := memstore.New()
	h := newHook(t, st)
	h.tracker.answer = func(notify.Notification) notify.Outcome {
		return notify.Outcome{Certainty: notify.Sent, ProviderID: "https://tracker.example.com/OPS-7\x1b[31m"}
	}
	a := h.item(t, start())
	now := passes(t, h.Engine, st, start(), start().Add(time.Minute))
	// Asked for on its day: that is no news for the tracker.
	now = passes(t, h.Engine, st, now, time.Date(2026, 6, 3, 0, 0, 0, 0, time.UTC))
	if _, answer, err := h.Action(t.Context(), a.Number, postmortem.Done{By: "ben"}, "", now); err != nil || answer != postmortem.AnswerDone {
		t.Fatal(answer, err)
	}
	now = passes(t, h.Engine, st, now, now.Add(time.Minute))
	if _, answer, err := h.Action(t.Context(), a.Number, postmortem.Resend{By: "ana"}, "", now); err != nil || answer != postmortem.AnswerResent {
		t.Fatal(answer, err)
	}
	passes(t, h.Engine, st, now, now.Add(time.Minute))
	want := []string{"pagerd-action-1002-1 action_item.opened <rotate> the certificate", "pagerd-action-1002-2 action_item.done <rotate> the certificate",
		"pagerd-action-1002-3 action_item.done <rotate> the certificate"}
	if got := h.told(t); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	list, err := h.Actions(t.Context(), false)
	if err != nil || list[0].Issue != "https://tracker.example.com/OPS-7 [31m" {
		t.Errorf("%+v %v", list, err)
	}
}

// TestATrackerThatIsDownForADayMissesNothing: the newest word of each item arrives once, also over a restart.
func TestATrackerThatIsDownForADayMissesNothing(t *testing.T) {
	st := memstore.New()
	h := newHook(t, st)
	down := func(notify.Notification) notify.Outcome {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonUnreachable}
	}
	h.tracker.answer = down
	a := h.item(t, start())
	now := passes(t, h.Engine, st, start(), start().Add(12*time.Hour))
	if _, _, err := h.Action(t.Context(), a.Number, postmortem.Drop{By: "ben", Reason: "the vendor does it"}, "", now); err != nil {
		t.Fatal(err)
	}
	now = passes(t, h.Engine, st, now, now.Add(12*time.Hour))
	if n := len(h.tracker.sent); n > 400 {
		t.Errorf("%d attempts in a day", n)
	}
	h.tracker.answer, h.tracker.sent = nil, nil
	h = h.begin(t, st)
	passes(t, h.Engine, st, now, now.Add(time.Hour))
	if got := h.told(t); !slices.Equal(got, []string{"pagerd-action-1002-2 action_item.dropped <rotate> the certificate"}) {
		t.Errorf("%q", got)
	}
	if n := texted(h.sms, "operator1", "tracker"); n != 0 {
		t.Errorf("the operators were told %d times", n)
	}
}

func TestOperatorsHearThatTheTrackerRefuses(t *testing.T) {
	st := memstore.New()
	h := newHook(t, st)
	h.tracker.answer = func(notify.Notification) notify.Outcome {
		return notify.Outcome{Certainty: notify.NotSent, Reason: notify.ReasonRejected, Permanent: true, Alarm: true}
	}
	a := h.item(t, start())
	passes(t, h.Engine, st, start(), start().Add(time.Minute))
	var texts []string
	for _, text := range h.sms.texts() {
		if strings.Contains(text, "tracker") {
			texts = append(texts, text)
		}
	}
	if want := "PAGERD: the issue tracker does not take action item #1002 (rejected). When it is mended: pagerd action resend 1002"; !slices.Equal(texts, []string{want}) {
		t.Errorf("%q", texts)
	}
	h.cfg.Incidents.Tracker.URL = "" // there is none any more
	if _, _, err := h.Action(t.Context(), a.Number, postmortem.Done{By: "ben"}, "", start().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	sent := len(h.tracker.sent)
	passes(t, h.Engine, st, start().Add(time.Minute), start().Add(time.Hour))
	if len(h.tracker.sent) != sent {
		t.Error("a tracker that is not configured is told")
	}
}

// TestAnActionItemOpenedAgainByTheSameRequestIsTheSame: a proxy that lost the answer asks once more.
func TestAnActionItemOpenedAgainByTheSameRequestIsTheSame(t *testing.T) {
	st := memstore.New()
	h := newHook(t, st)
	h.item(t, start())
	due, _ := schedule.ParseDate("2026-06-01")
	item := postmortem.Item{Title: "watch the expiry", Owner: "ana", Due: due, Priority: postmortem.P2, Criterion: "an alert"}
	by := page.Actor{Person: "ana", Channel: "api", Op: "api/7"}
	first, err := h.OpenAction(t.Context(), 1001, item, by, start())
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.OpenAction(t.Context(), 1001, item, by, start().Add(time.Minute))
	if err != nil || again != first {
		t.Errorf("%+v %v", again, err)
	}
	if all, err := h.Actions(t.Context(), false); err != nil || len(all) != 2 {
		t.Errorf("%d items, %v", len(all), err)
	}
}
