package engine_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// insights is as much of CloudWatch Logs Insights as the queries of deploy/cloudwatch/incidents.txt need: fields, filter with
// one equality, dedup, and stats with count or avg of one difference, by one field.
func insights(t *testing.T, query string, lines []string) map[string]float64 {
	t.Helper()
	var rows []map[string]any
	for _, line := range lines {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("a line of the log is no JSON: %v: %s", err, line)
		}
		rows = append(rows, row)
	}
	filter := regexp.MustCompile(`^filter (\w+) = "([^"]*)"$`)
	dedup := regexp.MustCompile(`^dedup (\w+)$`)
	stats := regexp.MustCompile(`^stats (?:(count)\(\*\)|avg\((\w+) - (\w+)\)) by (\w+)$`)
	keep := func(wanted func(row map[string]any) bool) {
		var kept []map[string]any
		for _, row := range rows {
			if wanted(row) {
				kept = append(kept, row)
			}
		}
		rows = kept
	}
	for _, stage := range strings.Split(query, "|") {
		stage = strings.TrimSpace(stage)
		if m := filter.FindStringSubmatch(stage); m != nil {
			keep(func(row map[string]any) bool { return row[m[1]] == m[2] })
		} else if m := dedup.FindStringSubmatch(stage); m != nil {
			seen := map[any]bool{}
			keep(func(row map[string]any) bool {
				first := !seen[row[m[1]]]
				seen[row[m[1]]] = true
				return first
			})
		} else if m := stats.FindStringSubmatch(stage); m != nil {
			count, sum := map[string]float64{}, map[string]float64{}
			for _, row := range rows {
				by := fmt.Sprint(row[m[4]])
				count[by]++
				if m[1] == "" {
					sum[by] += row[m[2]].(float64) - row[m[3]].(float64)
				}
			}
			if m[1] != "" {
				return count
			}
			for by := range sum {
				sum[by] /= count[by]
			}
			return sum
		} else if !strings.HasPrefix(stage, "fields ") {
			t.Fatalf("stage %q is not understood", stage)
		}
	}
	t.Fatalf("query without stats: %s", query)
	return nil
}
