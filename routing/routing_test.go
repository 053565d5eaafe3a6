package routing

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/alert"
	"pagerd/schedule"
)

func now() time.Time { return time.Date(2026, 3, 28, 3, 0, 0, 0, time.UTC) }

func tree(t testing.TB, root Route, change func(*Spec)) *Tree {
	t.Helper()
	rot := schedule.Rotation{Name: "platform", People: []string{"ana", "ben"}, Manager: "dora"}
	spec := Spec{Root: root, Families: map[string]Family{"platform": DefaultFamily(rot, "emil", "all"), "payments": DefaultFamily(schedule.Rotation{Name: "payments", People: []string{"carla"}}, "", "")},
		Targets: DefaultTargets()}
	if spec.Root.Policy == "" {
		spec.Root.Policy = "platform"
	}
	if change != nil {
		change(&spec)
	}
	tr, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func an(labels ...string) alert.Alert {
	a := alert.Alert{Source: "prod", Fingerprint: "f", Status: alert.Firing, Labels: map[string]string{}, Annotations: map[string]string{}}
	for i := 0; i+1 < len(labels); i += 2 {
		a.Labels[labels[i]] = labels[i+1]
	}
	return a
}

func TestTheFirstRouteThatMatchesAtEachLevelWins(t *testing.T) {
	tr := tree(t, Route{Runbook: "https://r.example.com/default", Routes: []Route{
		{Matchers: []string{`team="payments"`}, Policy: "payments", Routes: []Route{{Matchers: []string{`severity=~"critical|page"`}, Service: "money"}}},
		{Matchers: []string{`team=~"pay.*"`}, Service: "never reached by payments"},
		{Matchers: []string{`source="aws"`}, Service: "cloud"},
	}}, nil)
	d := tr.Decide(an("team", "payments", "severity", "critical"), now())
	if d.Subject.Service != "money" || d.Subject.Policy.Name != "payments/SEV-1" || len(d.Path) != 3 || d.Subject.Runbook != "https://r.example.com/default" {
		t.Errorf("%+v", d)
	}
	if d := tr.Decide(an("team", "paypal"), now()); d.Subject.Service != "never reached by payments" || d.Subject.Policy.Name != "platform/SEV-3" {
		t.Errorf("%+v", d.Subject)
	}
	aws := an()
	aws.Source = "aws"
	if d := tr.Decide(aws, now()); d.Subject.Service != "cloud" {
		t.Errorf("the source is no label: %+v", d.Subject)
	}
	if d := tr.Decide(an(), now()); d.Reasons[0] != ReasonDefaultRoute {
		t.Errorf("%v", d.Reasons)
	}
}

func TestWhereTheSeverityComesFrom(t *testing.T) {
	for _, c := range []struct {
		name string
		root Route
		a    alert.Alert
		want alert.Severity
		why  Reason
	}{
		{"the alert's label", Route{}, an("severity", "critical"), alert.SEV1, ReasonLabel},
		{"in any case", Route{}, an("severity", "Warning"), alert.SEV3, ReasonLabel},
		{"our own words", Route{}, an("severity", "sev2"), alert.SEV2, ReasonLabel},
		{"another label", Route{Label: "priority"}, an("priority", "P1"), alert.SEV1, ReasonLabel},
		{"a map of the route's", Route{Map: map[string]alert.Severity{"meh": alert.SEV4}}, an("severity", "meh"), alert.SEV4, ReasonLabel},
		{"fixed by the route", Route{Severity: alert.SEV2}, an("severity", "info"), alert.SEV2, ReasonRoute},
		{"a word that nobody knows pages, loudly", Route{}, an("severity", "purple"), alert.SEV3, ReasonUnknownSeverity},
		{"nothing says so", Route{}, an(), alert.SEV3, ReasonNoSeverity},
		{"the route's fallback", Route{Fallback: alert.SEV2}, an(), alert.SEV2, ReasonFallback},
		{"CloudWatch errors", Route{}, an("namespace", "AWS/ApiGateway", "metric", "5XXError"), alert.SEV2, ReasonBuiltin},
		{"CloudWatch throttling", Route{}, an("namespace", "AWS/Lambda", "metric", "Throttles"), alert.SEV3, ReasonBuiltin},
		{"a word in the alarm before the metric's", Route{}, an("namespace", "AWS/Lambda", "metric", "Errors", "severity", "1"), alert.SEV1, ReasonLabel},
	} {
		d := tree(t, c.root, nil).Decide(c.a, now())
		if d.Subject.Severity != c.want || !slices.Contains(d.Reasons, c.why) || d.Subject.Policy.Name != "platform/"+c.want.String() {
			t.Errorf("%s: %s %v by %s", c.name, d.Subject.Severity, d.Reasons, d.Subject.Policy.Name)
		}
	}
	if d := tree(t, Route{}, nil).Decide(an("alertname", "Watchdog", "severity", "none"), now()); !d.Quiet {
		t.Error("Prometheus' Watchdog pages somebody")
	}
	odd := an("severity", "critical")
	odd.Unknown = "a message that is no alarm"
	if d := tree(t, Route{Severity: alert.SEV1}, nil).Decide(odd, now()); d.Subject.Severity != alert.SEV3 || !slices.Contains(d.Reasons, ReasonUnknownMessage) {
		t.Errorf("catch-all: %+v", d)
	}
}

func TestTheSixServicesAreKnownByTheirNamespace(t *testing.T) {
	for namespace, want := range map[string]string{"AWS/ApiGateway": "api-gateway", "AWS/Lambda": "lambda", "AWS/DynamoDB": "dynamodb", "AWS/S3": "s3",
		"AWS/CloudFront": "cloudfront", "AWS/ECS": "ecs", "ECS/ContainerInsights": "ecs"} {
		if d := tree(t, Route{}, nil).Decide(an("namespace", namespace), now()); d.Subject.Service != want {
			t.Errorf("%s is %s", namespace, d.Subject.Service)
		}
	}
}

func TestGroupKeysKeepApartWhatDiffersAndStayShort(t *testing.T) {
	tr := tree(t, Route{GroupBy: []string{"a", "b"}, Routes: []Route{{Matchers: []string{`all="yes"`}, GroupBy: []string{"..."}}}}, nil)
	key := func(a alert.Alert) string { return tr.Decide(a, now()).Group }
	distinct := []alert.Alert{an("a", "x", "b", "y"), an("a", "x/y", "b", ""), an("a", "x", "b", "/y"), an("a", "", "b", "xy"), an("a", "x/", "b", "y"),
		an("a", strings.Repeat("l", 300)), an("a", strings.Repeat("l", 301)), an("all", "yes", "c", "1"), an("all", "yes", "c", "2")}
	seen := map[string]int{}
	for i, a := range distinct {
		k := key(a)
		if j, dup := seen[k]; dup {
			t.Errorf("alerts %d and %d share the group %q", i, j, k)
		}
		seen[k] = i
		if len(k) > maxGroup {
			t.Errorf("a key of %d bytes", len(k))
		}
	}
	if key(an("a", "x", "b", "y", "other", "1")) != key(an("a", "x", "b", "y", "other", "2")) {
		t.Error("a label that is not grouped by separates")
	}
	other := an("a", "x", "b", "y")
	other.Source = "staging"
	if key(other) == key(an("a", "x", "b", "y")) {
		t.Error("two sources share a group")
	}
}

func TestASilenceCoversFromItsStartUntilItsEnd(t *testing.T) {
	tr := tree(t, Route{}, func(s *Spec) {
		s.Silences = []Silence{{Name: "short", Matchers: []string{`service="search"`}, Start: now(), End: now().Add(time.Hour)},
			{Name: "long", Matchers: []string{`service="search"`, `env!="prod"`}, Start: now(), End: now().Add(2 * time.Hour)}}
	})
	for _, c := range []struct {
		a    alert.Alert
		at   time.Duration
		want string
	}{
		{an("service", "search", "env", "prod"), -time.Second, ""}, {an("service", "search", "env", "prod"), 0, "short"},
		{an("service", "search", "env", "prod"), time.Hour - 1, "short"}, {an("service", "search", "env", "prod"), time.Hour, ""},
		{an("service", "search", "env", "dev"), 0, "long"}, {an("service", "api"), 0, ""},
	} {
		d := tr.Decide(c.a, now().Add(c.at))
		got := ""
		if d.Silenced != nil {
			got = d.Silenced.Name
		}
		if got != c.want {
			t.Errorf("%v at %s: %q, want %q", c.a.Labels, c.at, got, c.want)
		}
	}
}

func TestTheDefaultPoliciesAreThePractices(t *testing.T) {
	f := DefaultFamily(schedule.Rotation{Name: "p", People: []string{"ana", "ben"}, Manager: "dora"}, "emil", "all")
	step := func(s alert.Severity, i int) []schedule.Target { return f[s].Steps[i].Targets }
	want := []schedule.Target{{Name: "p/primary", Mode: schedule.Answer}, {Name: "p/manager", Mode: schedule.Inform}, {Name: "person:emil", Mode: schedule.Inform}, {Name: "team:all", Mode: schedule.Inform}}
	if !slices.Equal(step(alert.SEV1, 0), want) || len(f[alert.SEV1].Steps) != 2 || f[alert.SEV1].Steps[0].Timeout != 5*time.Minute {
		t.Errorf("SEV-1: %+v", f[alert.SEV1])
	}
	if !slices.Equal(step(alert.SEV2, 0), want[:2]) || len(f[alert.SEV2].Steps) != 3 {
		t.Errorf("SEV-2: %+v", f[alert.SEV2])
	}
	if !slices.Equal(step(alert.SEV3, 0), want[:1]) || len(f[alert.SEV3].Steps) != 3 || !f[alert.SEV4].OfficeHours {
		t.Errorf("SEV-3: %+v", f[alert.SEV3])
	}
	tr := tree(t, Route{}, nil)
	if p, targets, ok := tr.Plan("platform/SEV-3", alert.SEV1); !ok || p.Name != "platform/SEV-1" || targets.Mitigate != time.Hour {
		t.Errorf("plan %+v %+v %v", p, targets, ok)
	}
	if _, _, ok := tr.Plan("gone/SEV-3", alert.SEV1); ok {
		t.Error("a policy that is gone has a plan")
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for _, r := range []Route{{Matchers: []string{`a="b"`}}, {Routes: []Route{{Matchers: []string{"nonsense"}}}}, {Routes: []Route{{Matchers: []string{`a="b"`}, Policy: "nowhere"}}}} {
		r.Policy = "platform"
		if _, err := New(Spec{Root: r, Families: map[string]Family{"platform": {}}}); err == nil {
			t.Errorf("%+v is taken", r)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	root := Route{}
	for i := range 20 {
		root.Routes = append(root.Routes, Route{Matchers: []string{`team="t` + string(rune('a'+i)) + `"`, `env=~"prod|stage"`}})
	}
	tr := tree(b, root, nil)
	a := an("team", "tt", "env", "prod", "alertname", "X", "severity", "critical")
	b.ReportAllocs()
	for b.Loop() {
		tr.Decide(a, now())
	}
}
