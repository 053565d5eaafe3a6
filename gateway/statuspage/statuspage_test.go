package statuspage

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/update"
)

func now() time.Time { return time.Date(2026, 3, 10, 14, 0, 0, 0, time.UTC) }

func page() Page {
	ago := func(d time.Duration) time.Time { return now().Add(-d) }
	return New("Status of Example", "https://pager.example.com/status-page", []string{"Checkout", "Search"}, []Disturbance{
		{Key: "incident 1042", Component: "Checkout", Words: []Word{
			{update.Investigating, "Payments by card <b>fail</b>.", ago(90 * time.Minute), ago(60 * time.Minute)}, {update.Identified, "We are mending it.", ago(60 * time.Minute), now().Add(time.Hour)}}},
		{Key: "incident 1001", Component: "Search", Words: []Word{{update.Investigating, "Search is slow.", ago(49 * time.Hour), time.Time{}}, {update.Resolved, "It is fast again.", ago(47 * time.Hour), time.Time{}}}},
		{Key: "incident 900", Component: "Search", Words: []Word{{update.Investigating, "old", ago(200 * 24 * time.Hour), time.Time{}}, {update.Resolved, "old", ago(199 * 24 * time.Hour), time.Time{}}}},
		{Key: "incident 1043", Component: "internal-billing", Words: []Word{{update.Investigating, "hidden", ago(time.Hour), time.Time{}}}},
		{Key: "incident 1044", Component: "Search", Words: []Word{{"secret", "hidden", ago(time.Hour), time.Time{}}, {update.Identified, "  ", ago(time.Hour), time.Time{}}}},
	}, now())
}

func TestThePageSaysWhatGoesOnAndWhatWas(t *testing.T) {
	p := page()
	if len(p.Open()) != 1 || len(p.Past()) != 1 || p.Standing("Checkout") != update.Identified || p.Standing("Search") != "" {
		t.Errorf("%d %d %s %s", len(p.Open()), len(p.Past()), p.Standing("Checkout"), p.Standing("Search"))
	}
	h := p.History("Search")
	if len(h) != Days || h[Days-1].Date != "2026-03-10" || h[Days-3].Disturbed != 2*time.Hour || h[Days-2].Disturbed != 0 {
		t.Errorf("%+v", h[Days-4:])
	}
	if got := percent(p.Uptime("Search")); got != "99.90 %" {
		t.Errorf("%s", got)
	}
}

func TestDisturbancesThatOverlapCountOnce(t *testing.T) {
	mk := func(key string, from, to time.Duration) Disturbance {
		return Disturbance{Key: key, Component: "c", Words: []Word{{update.Investigating, "x", now().Add(-from), time.Time{}}, {update.Resolved, "x", now().Add(-to), time.Time{}}}}
	}
	p := New("t", "u", []string{"c"}, []Disturbance{mk("1", 5*time.Hour, 2*time.Hour), mk("2", 4*time.Hour, 3*time.Hour), mk("3", 3*time.Hour, time.Hour)}, now())
	if got := p.History("c")[Days-1].Disturbed; got != 4*time.Hour {
		t.Errorf("%s", got)
	}
}

func TestWhatIsRenderedIsEscapedAndNeedsNeitherScriptNorInlineStyle(t *testing.T) {
	b, err := page().HTML()
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{"Payments by card &lt;b&gt;fail&lt;/b&gt;.", "99.90 %", "Something is disturbed", `role="img"`, "We will write again at 10 March 2026, 15:00 UTC."} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	for _, not := range []string{"<script", "style=", "1042", "hidden", "internal-billing", "old"} {
		if strings.Contains(text, not) {
			t.Errorf("%q stands there", not)
		}
	}
}

func TestNothingPrivateIsInAnyForm(t *testing.T) {
	p := page()
	for name, render := range map[string]func() ([]byte, error){"HTML": p.HTML, "Atom": p.Atom, "JSON": p.JSON} {
		b, err := render()
		if err != nil {
			t.Fatal(err)
		}
		for _, private := range []string{"1042", "1001", "1043", "incident", "hidden", "internal-billing", "secret"} {
			if strings.Contains(string(b), private) {
				t.Errorf("%s: %q stands there", name, private)
			}
		}
	}
}

func TestTheFeedIsAtomWithIdsThatStay(t *testing.T) {
	b, err := page().Atom()
	if err != nil {
		t.Fatal(err)
	}
	var f atomFeed
	if err := xml.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, e := range f.Entries {
		if ids[e.ID] || e.ID == "" || e.Title == "" || e.Updated == "" || e.Content.Text == "" {
			t.Errorf("%+v", e)
		}
		ids[e.ID] = true
		if _, err := time.Parse(time.RFC3339, e.Updated); err != nil {
			t.Error(err)
		}
	}
	if len(ids) != 4 || f.ID == "" || f.Author.Name == "" || f.Updated != "2026-03-10T13:00:00Z" {
		t.Errorf("%d entries, updated %s", len(ids), f.Updated)
	}
	p := page()
	p.Now = p.Now.Add(time.Hour)
	again, _ := p.Atom()
	if string(again) != string(b) {
		t.Error("the feed changes although nothing was told")
	}
}

func TestTheJSONSaysTheSame(t *testing.T) {
	b, err := page().JSON()
	var v struct {
		Components   []struct{ Name, State string }
		Disturbances []struct{ Component string }
	}
	if err != nil || json.Unmarshal(b, &v) != nil || len(v.Components) != 2 || v.Components[0].State != "identified" || len(v.Disturbances) != 2 {
		t.Errorf("%v\n%s", err, b)
	}
}
