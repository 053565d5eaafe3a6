package api

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"pagerd/gateway/checklist"
	"pagerd/gateway/engine"
	"pagerd/gateway/incident"
	"pagerd/gateway/postmortem"
	"pagerd/gateway/timeline"
	"pagerd/gateway/update"
)

// openapiDocument is as much of the document as the tests hold against the program.
type openapiDocument struct {
	Paths      map[string]map[string]yaml.Node `yaml:"paths"`
	Components struct {
		Schemas map[string]schemaDocument `yaml:"schemas"`
	} `yaml:"components"`
}

type schemaDocument struct {
	Required   []string             `yaml:"required"`
	Properties map[string]yaml.Node `yaml:"properties"`
}

type operationDocument struct {
	Role      string               `yaml:"x-role"`
	ID        string               `yaml:"operationId"`
	Responses map[string]yaml.Node `yaml:"responses"`
}

func readDocument(t *testing.T) openapiDocument {
	t.Helper()
	var doc openapiDocument
	if err := yaml.Unmarshal(openapi, &doc); err != nil {
		t.Fatalf("the document is no YAML: %v", err)
	}
	return doc
}

func TestTheDocumentDescribesEveryRouteOfTheAPIAndNothingElse(t *testing.T) {
	described := map[string]operationDocument{}
	ids := map[string]string{}
	for path, item := range readDocument(t).Paths {
		for method, node := range item {
			if method == "parameters" {
				continue
			}
			name := strings.ToUpper(method) + " " + path
			var op operationDocument
			if err := node.Decode(&op); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if other := ids[op.ID]; op.ID == "" || other != "" {
				t.Errorf("%s: operationId %q is empty or that of %s", name, op.ID, other)
			}
			ids[op.ID] = name
			described[name] = op
		}
	}
	for _, rt := range routes() {
		if !strings.HasPrefix(rt.path, "/api/") {
			continue
		}
		name := rt.method + " " + rt.path
		op, ok := described[name]
		if !ok {
			t.Errorf("%s is not in the document", name)
			continue
		}
		delete(described, name)
		if op.Role != rt.role.String() {
			t.Errorf("%s: the document says role %q, the route %q", name, op.Role, rt.role)
		}
		if _, ok := op.Responses["default"]; !ok && rt.role != anyone {
			t.Errorf("%s: the document does not say how a refusal looks", name)
		}
	}
	for name := range described {
		t.Errorf("%s is in the document and no route", name)
	}
}

func TestTheDocumentsSchemasHaveTheFieldsThatAreSent(t *testing.T) {
	schemas := readDocument(t).Components.Schemas
	for name, v := range map[string]any{
		"Problem": Problem{}, "VersionInfo": VersionInfo{}, "OnCallList": OnCallList{}, "OnCall": OnCall{}, "PageList": PageList{},
		"PageDetail": PageDetail{}, "Page": Page{}, "Delivery": Delivery{}, "Alert": Alert{}, "IncidentList": IncidentList{},
		"IncidentDetail": IncidentDetail{}, "Incident": Incident{}, "Outcome": Outcome{}, "Answer": Answer{},
		"IncidentOutcome": IncidentOutcome{}, "PostmortemList": PostmortemList{}, "PostmortemDetail": PostmortemDetail{}, "Postmortem": Postmortem{},
		"ActionList": ActionList{}, "Action": Action{}, "Checklist": Checklist{}, "ChecklistLine": checklist.Line{}, "Updates": Updates{}, "Mail": engine.Mail{}, "Subscribers": Subscribers{}, "Update": update.Update{}, "PhaseChange": incident.PhaseChange{},
		"Assignment": incident.Assignment{}, "Called": incident.Called{}, "Breach": Breach{}, "Severities": Severities{}, "Definition": incident.Definition{}, "StoreInfo": StoreInfo{}, "Finding": Finding{}, "Replica": Replica{}, "Entry": timeline.Entry{},
	} {
		schema, ok := schemas[name]
		if !ok {
			t.Errorf("the document has no schema %s", name)
			continue
		}
		delete(schemas, name)
		var sent, always []string
		for i := range reflect.TypeOf(v).NumField() {
			tag := reflect.TypeOf(v).Field(i).Tag.Get("json")
			key, options, _ := strings.Cut(tag, ",")
			sent = append(sent, key)
			if !strings.Contains(options, "omit") {
				always = append(always, key)
			}
		}
		var described []string
		for key := range schema.Properties {
			described = append(described, key)
		}
		for _, l := range [][]string{sent, always, described, schema.Required} {
			slices.Sort(l)
		}
		if !slices.Equal(sent, described) {
			t.Errorf("%s: sent %v\nbut described %v", name, sent, described)
		}
		if !slices.Equal(always, schema.Required) {
			t.Errorf("%s: always sent %v\nbut required %v", name, always, schema.Required)
		}
	}
	delete(schemas, "Severity")
	for name := range schemas {
		t.Errorf("schema %s is used by nothing that this test knows", name)
	}
}

// TestTheDocumentDescribesTheWebhook: what an issue tracker is told has the fields that it is promised.
func TestTheDocumentDescribesTheWebhook(t *testing.T) {
	_, rest, ok := strings.Cut(string(openapi), "\nwebhooks:\n")
	described, _, _ := strings.Cut(rest, "\ncomponents:\n")
	if !ok {
		t.Fatal("the document has no webhooks")
	}
	for _, v := range []any{postmortem.Webhook{}, postmortem.WebhookAction{}} {
		for i := range reflect.TypeOf(v).NumField() {
			key, _, _ := strings.Cut(reflect.TypeOf(v).Field(i).Tag.Get("json"), ",")
			if !strings.Contains(described, " "+key+":") {
				t.Errorf("%q is sent and not described", key)
			}
		}
	}
}
