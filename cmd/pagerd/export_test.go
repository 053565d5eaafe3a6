package main

import (
	"encoding/json"
	"strings"
	"testing"

	"pagerd/gateway/api"
)

func TestExportOfAPageAndOfAnIncident(t *testing.T) {
	url := gatewayWithPages(t, 1)
	status, _, stderr := pagerd(t, url, "page", "ack", "1001")
	if status != exitYes {
		t.Fatalf("%d %s", status, stderr)
	}
	status, out, _ := pagerd(t, url, "export", "page", "1001")
	if status != exitYes || !strings.HasPrefix(out, "# Page 1001: SEV-2, acknowledged\n") || !strings.Contains(out, "acknowledged") || strings.Contains(out, "\x1b") {
		t.Errorf("%d %s", status, out)
	}
	status, out, _ = pagerd(t, url, "export", "incident", "1001", "--format", "json")
	var x api.IncidentExport
	if err := json.Unmarshal([]byte(out), &x); status != exitYes || err != nil || x.Incident.Number != 1001 || len(x.Pages) != 1 || len(x.Timeline) == 0 {
		t.Errorf("%d %v %s", status, err, out)
	}
	if status, _, stderr = pagerd(t, url, "export", "incident", "7"); status != exitNo || stderr == "" {
		t.Errorf("an incident that is not: %d %s", status, stderr)
	}
}

// TestAuditOfARunningPagerd counts two pages, an incident and its checklist.
func TestAuditOfARunningPagerd(t *testing.T) {
	url := gatewayWithPages(t, 2)
	if status, _, stderr := pagerd(t, url, "page", "ack", "1001"); status != exitYes {
		t.Fatal(stderr)
	}
	status, out, stderr := pagerd(t, url, "audit", "verify")
	if status != exitYes || !strings.HasPrefix(out, "whole: 4 objects") || stderr != "" {
		t.Errorf("%d %s %s", status, out, stderr)
	}
	status, out, _ = pagerd(t, url, "audit", "export")
	if status != exitYes || strings.Count(out, "\n") != 6 || !strings.Contains(out, `"end"`) {
		t.Errorf("%d %s", status, out)
	}
}
