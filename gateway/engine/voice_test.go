package engine_test

import (
	"strings"
	"testing"

	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
	"pagerd/notify"
)

// TestACallAboutAnAlarmSaysItPlainlyAndTakesNoDigits: whoever hears of a problem of pagerd's own was offered no page to
// acknowledge, so that no digit may do it.
func TestACallAboutAnAlarmSaysItPlainlyAndTakesNoDigits(t *testing.T) {
	st := memstore.New()
	e, _ := setup(t, st)
	if err := e.Accept(t.Context(), batch("Down"), start()); err != nil {
		t.Fatal(err)
	}
	alarm := store.Delivery{Send: page.Send{ID: "1001-99", Page: 1001, Round: 1, Kind: notify.KindAlarm, Person: "ana", Contact: "ana/voice",
		Channel: notify.Voice, At: start()}, Text: "platform is nobody who can be reached", State: store.Pending, VisibleAt: start()}
	if err := st.Commit(t.Context(), store.Change{Now: start(), Deliveries: []store.Delivery{alarm}}); err != nil {
		t.Fatal(err)
	}
	s, err := e.Script(t.Context(), "1001-99", start())
	if err != nil {
		t.Fatal(err)
	}
	heard := strings.Join(s.Paragraphs, " ")
	if s.Digits || strings.Count(heard, "pager D") != 1 || strings.Count(heard, "platform is nobody who can be reached") != 2 {
		t.Errorf("digits %v, heard %q", s.Digits, heard)
	}
}
