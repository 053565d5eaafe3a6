package gateway

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v4"

	"pagerd/gateway/metric"
)

// described returns pagerd's own metrics with their labels, as their descriptions say them.
func described(t *testing.T) map[string][]string {
	t.Helper()
	text := regexp.MustCompile(`fqName: "(pagerd_\w+)".*variableLabels: \{([^}]*)\}`)
	out := map[string][]string{}
	ch := make(chan *prometheus.Desc)
	go func() {
		metric.New().Registry.Describe(ch)
		close(ch)
	}()
	for d := range ch {
		if m := text.FindStringSubmatch(d.String()); m != nil {
			out[m[1]] = strings.Split(m[2], ",")
		}
	}
	if len(out) < 10 {
		t.Fatalf("only %d metrics are described: %v", len(out), out)
	}
	return out
}

// checkExpression names what an expression asks for that pagerd does not have.
func checkExpression(t *testing.T, where, expr string, known map[string][]string) {
	t.Helper()
	names := regexp.MustCompile(`(pagerd_\w+)(?:\{([^}]*)\})?`).FindAllStringSubmatch(expr, -1)
	if len(names) == 0 {
		t.Errorf("%s: %q asks for no metric of pagerd", where, expr)
	}
	var labels []string
	for _, m := range names {
		found, ok := known[m[1]]
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			if base, cut := strings.CutSuffix(m[1], part); cut && !ok {
				found, ok = known[base]
				found = append(slices.Clone(found), "le")
			}
		}
		if !ok {
			t.Errorf("%s: there is no metric %s", where, m[1])
		}
		labels = append(labels, found...)
		for _, match := range regexp.MustCompile(`(\w+)\s*[!=]`).FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(found, match[1]) {
				t.Errorf("%s: %s has no label %s", where, m[1], match[1])
			}
		}
	}
	for _, by := range regexp.MustCompile(`by \(([^)]*)\)`).FindAllStringSubmatch(expr, -1) {
		for _, l := range strings.Split(by[1], ",") {
			if !slices.Contains(labels, strings.TrimSpace(l)) {
				t.Errorf("%s: %q groups by %s, which nothing in it has", where, expr, l)
			}
		}
	}
	if strings.Count(expr, "(") != strings.Count(expr, ")") {
		t.Errorf("%s: %q has unequal parentheses", where, expr)
	}
}

func TestTheDashboardAsksForMetricsThatExist(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(deploy, "grafana", "pagerd.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		UID    string `json:"uid"`
		Panels []struct {
			ID      int                            `json:"id"`
			Title   string                         `json:"title"`
			GridPos struct{ X, Y, W, H int }       `json:"gridPos"`
			Targets []struct{ Expr, RefID string } `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	known, ids := described(t), map[int]bool{}
	if board.UID == "" || len(board.Panels) < 8 {
		t.Errorf("%d panels", len(board.Panels))
	}
	for _, p := range board.Panels {
		if p.Title == "" || ids[p.ID] || p.GridPos.W < 1 || p.GridPos.X+p.GridPos.W > 24 || len(p.Targets) == 0 {
			t.Errorf("panel %d %q: %+v", p.ID, p.Title, p)
		}
		ids[p.ID] = true
		for _, q := range p.Targets {
			checkExpression(t, p.Title, q.Expr, known)
		}
	}
}

func TestThePrometheusRulesAskForMetricsThatExist(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(deploy, "prometheus", "pagerd.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	known := described(t)
	for _, r := range file.Groups[0].Rules {
		checkExpression(t, r.Alert, r.Expr, known)
	}
}
