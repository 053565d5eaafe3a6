package mailing

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/update"
)

func start() time.Time { return time.Date(2026, 3, 28, 3, 0, 0, 0, time.UTC) }

func TestAnAddressIsReadAsPeopleTypeIt(t *testing.T) {
	for typed, want := range map[string]string{
		"reader@example.org":                "reader@example.org",
		"  Reader.Name+x@EXAMPLE.Org\n":     "Reader.Name+x@example.org",
		"o'neil@example.org":                "o'neil@example.org",
		"":                                  "",
		"reader":                            "",
		"reader@":                           "",
		"@example.org":                      "",
		"reader@localhost":                  "",
		"reader@[127.0.0.1]":                "",
		"a b@example.org":                   "",
		"\"a b\"@example.org":               "",
		"Reader <reader@example.org>":       "",
		"reader@example.org, b@c.de":        "",
		"reader@example.org\r\nBcc: b@c.d":  "",
		"r\x00@example.org":                 "",
		"réader@example.org":                "",
		strings.Repeat("a", 250) + "@b.org": "",
	} {
		if got, ok := Address(typed); got != want || ok != (want != "") {
			t.Errorf("%q: %q %v", typed, got, ok)
		}
	}
}

// TestASubscribersNumberIsMadeFromTheAddress: it never meets a page's, is exact as a float, and is the same tomorrow.
func TestASubscribersNumberIsMadeFromTheAddress(t *testing.T) {
	n := NumberOf("reader@example.org")
	if n != 3194425818216567 || n < 1<<51 || n >= 1<<52 || NumberOf("other@example.org") == n {
		t.Errorf("%d", n)
	}
}

func TestASubscriptionFromItsBeginningToItsEnd(t *testing.T) {
	s, fx := Next(Subscriber{}, Confirm{Address: "reader@example.org"}, start())
	if !fx.Changed || !s.Active() || s.Number != NumberOf("reader@example.org") || fx.Entry.What != "subscribed" {
		t.Fatalf("%+v %+v", s, fx)
	}
	if again, fx := Next(s, Confirm{Address: "reader@example.org"}, start().Add(time.Hour)); fx.Changed || again != s {
		t.Errorf("confirmed twice: %+v", again)
	}
	refused := s
	for i := range maxRefused {
		refused, fx = Next(refused, Refused{}, start())
		if refused.Active() != (i < maxRefused-1) {
			t.Errorf("after %d refusals: %+v", i+1, refused)
		}
	}
	if refused.Address != "" || refused.Why != WhyRefused || fx.Entry.What != "left" {
		t.Errorf("%+v %+v", refused, fx)
	}
	left, fx := Next(s, Leave{By: "subscriber", Why: WhyAsked}, start().Add(time.Hour))
	if left.Address != "" || !left.Left.Equal(start().Add(time.Hour)) || fx.Entry.Reason != "asked" {
		t.Errorf("%+v %+v", left, fx)
	}
	for _, ev := range []Event{Leave{}, Refused{}} {
		if again, fx := Next(left, ev, start()); fx.Changed || again != left {
			t.Errorf("%T after the end: %+v", ev, again)
		}
	}
	if back, _ := Next(left, Confirm{Address: "reader@example.org"}, start().Add(2*time.Hour)); !back.Active() || !back.Left.IsZero() || back.Refused != 0 {
		t.Errorf("who comes back: %+v", back)
	}
	for _, s := range []Subscriber{left, refused} {
		if b, _ := json.Marshal(s); strings.Contains(string(b), "example.org") {
			t.Errorf("the address is kept: %s", b)
		}
	}
}

// TestFormatOneIsReadForEver: what was stored by the first release.
func TestFormatOneIsReadForEver(t *testing.T) {
	var m Mailing
	var s Subscriber
	for file, v := range map[string]any{"testdata/mailing-1.json": &m, "testdata/subscriber-1.json": &s} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, v); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if want := Begin(1055, 1042, update.Update{At: start(), To: update.Customers}).Queued(100, 3194425818216567, false); m != want {
		t.Errorf("%+v, want %+v", m, want)
	}
	if want, _ := Next(Subscriber{}, Confirm{Address: "reader@example.org"}, start()); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
}
