package config

import (
	"strings"
	"testing"
	"time"
)

const someCompany = `
sources: [{name: prod, kind: alertmanager, token: t}]
people: [{name: ana, sms: "+34600000001", voice: "+34600000001"}, {name: ben, sms: "+34600000002", voice: "+34600000002"}]
schedules: [{name: platform, people: [ana, ben], manager: ben}]
routes: {schedule: platform}
link_key: 0123456789abcdef0123456789abcdef
`

func parse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse("pagerd.yaml", []byte(text), environment)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStoreDefaults(t *testing.T) {
	for text, want := range map[string]struct {
		path  string
		wait  int
		alarm time.Duration
	}{
		"":                                      {"pagerd.db", 0, 10 * time.Second},
		"store: {path: a.db, alarm_after: 30s}": {"a.db", 0, 30 * time.Second},
		`store: {redis: {addresses: "r:6379"}}`: {"", 0, 10 * time.Second},
		`store: {redis: {addresses: ["s:26379", "t:26379"], master: pager}}`:            {"", 1, 10 * time.Second},
		`store: {redis: {addresses: ["a:6379", "b:6379"], cluster: true}}`:              {"", 1, 10 * time.Second},
		`store: {redis: {addresses: ["s:26379"], master: pager, wait: 0}}`:              {"", 0, 10 * time.Second},
		`store: {alarm_after: 1m, redis: {addresses: ["s:26379"], master: m, wait: 2}}`: {"", 2, time.Minute},
	} {
		s := parse(t, someCompany+text).Store
		wait := 0
		if s.Redis != nil {
			wait = s.Redis.Wait
			if s.Redis.Prefix != "pagerd" || s.Redis.Relaxed {
				t.Errorf("%s: prefix %q, relaxed %v", text, s.Redis.Prefix, s.Redis.Relaxed)
			}
		}
		if s.Path != want.path || wait != want.wait || s.AlarmAfter != want.alarm {
			t.Errorf("%s: %+v, wait %d; want %+v", text, s, wait, want)
		}
	}
}

func TestReplicasShareAllButWhereTheyListenAndTheirNames(t *testing.T) {
	shared := func(text string) string { return parse(t, text).Shared }
	one := shared(someCompany + "replica: one\nlisten: {public: '127.0.0.1:1'}")
	if two := shared("# another layout\n" + strings.ReplaceAll(someCompany, "name: ana, ", "name: 'ana' , ") + "replica: two"); two != one {
		t.Error("the name, the address or the layout of a file counts as another configuration")
	}
	if three := shared(strings.ReplaceAll(someCompany, "0000002", "0000003")); three == one {
		t.Error("another telephone number counts as the same configuration")
	}
}

func TestASharedStoreNeedsSomebodyToRingWhenItIsGone(t *testing.T) {
	const nobody = "nobody is rung when Redis is gone"
	for text, want := range map[string]bool{
		`store: {redis: {addresses: "r:6379"}}`:                                  true,
		`store: {redis: {addresses: "r:6379"}}` + "\noperators: [{person: ana}]": false,
		"store: {path: a.db}": false,
	} {
		found := false
		for _, f := range Findings(parse(t, someCompany+text), time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)) {
			found = found || f.Severe && strings.Contains(f.Message, nobody)
		}
		if found != want {
			t.Errorf("%s: the finding is there: %v, want %v", text, found, want)
		}
	}
}
