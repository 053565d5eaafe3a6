package twiliosim

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"testing"
)

type openAPI struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Schemas map[string]schema
	}
}

type schema struct {
	Ref        string `json:"$ref"`
	Type       string
	Format     string
	Pattern    string
	Enum       []string
	Required   []string
	Properties map[string]schema
}

type operationDoc struct {
	Parameters []struct {
		Name     string
		In       string
		Required bool
		Schema   schema
	}
	RequestBody struct {
		Content map[string]struct{ Schema schema }
	}
}

func readJSON(t *testing.T, name string, v any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

func (d openAPI) resolve(s schema) schema {
	if s.Ref != "" {
		return d.Components.Schemas[s.Ref[len("#/components/schemas/"):]]
	}
	return s
}

func TestParametersAreThoseOfTwiliosOpenAPIDocument(t *testing.T) {
	var doc openAPI
	readJSON(t, "openapi-messages-calls.json", &doc)
	api := twilioOperations()
	const account = "/2010-04-01/Accounts/{AccountSid}/"
	for _, c := range []struct {
		path, method string
		have         map[string]field
	}{
		{account + "Messages.json", "post", api.createMessage},
		{account + "Messages.json", "get", api.listMessages},
		{account + "Calls.json", "post", api.createCall},
		{account + "Calls.json", "get", api.listCalls},
		{account + "Calls/{Sid}.json", "post", api.updateCall},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			var op operationDoc
			if err := json.Unmarshal(doc.Paths[c.path][c.method], &op); err != nil {
				t.Fatal(err)
			}
			want := map[string]field{}
			add := func(name string, s schema, required bool) {
				s = doc.resolve(s)
				f := field{name: name, kind: s.Type, pattern: s.Pattern, values: s.Enum, required: required}
				if s.Format == "date-time" {
					f.format = s.Format
				}
				want[name] = f
			}
			for _, p := range op.Parameters {
				if p.In == "query" {
					add(p.Name, p.Schema, p.Required)
				}
			}
			body := op.RequestBody.Content["application/x-www-form-urlencoded"].Schema
			for name, s := range body.Properties {
				add(name, s, slices.Contains(body.Required, name))
			}
			if len(want) == 0 {
				t.Fatal("the document declares no parameters")
			}
			for _, name := range slices.Sorted(maps.Keys(want)) {
				have, ok := c.have[name]
				w := want[name]
				if !ok {
					t.Errorf("%s is not known", name)
				} else if have.kind != w.kind || have.format != w.format || have.pattern != w.pattern || have.required != w.required || !slices.Equal(have.values, w.values) {
					t.Errorf("%s: have %+v, want %+v", name, have, w)
				}
			}
			for name := range c.have {
				if _, ok := want[name]; !ok {
					t.Errorf("%s is not in the document", name)
				}
			}
		})
	}
}

func TestAnswersHaveTheFieldsOfTwiliosOpenAPIDocument(t *testing.T) {
	var doc openAPI
	readJSON(t, "openapi-messages-calls.json", &doc)
	inWorld(t, Options{}, func(w *world) {
		sms, callSID := w.text("hello"), w.call()
		for resource, name := range map[string]string{
			"Messages/" + sms + ".json":  "api.v2010.account.message",
			"Calls/" + callSID + ".json": "api.v2010.account.call",
		} {
			status, v := w.do("GET", resource, nil)
			if status != http.StatusOK {
				w.Errorf("%s: %d %v", resource, status, v)
			}
			want := slices.Sorted(maps.Keys(doc.Components.Schemas[name].Properties))
			if have := slices.Sorted(maps.Keys(v)); !slices.Equal(have, want) {
				w.Errorf("%s:\nhave %v\nwant %v", resource, have, want)
			}
		}
	})
}

func TestSignaturesAreThoseOfTwiliosLibraries(t *testing.T) {
	var file struct {
		Vectors []struct {
			Name      string
			AuthToken string `json:"auth_token"`
			URL       string
			Params    map[string]any
			Signature string
		}
	}
	readJSON(t, "signature-vectors.json", &file)
	if len(file.Vectors) < 10 {
		t.Fatalf("only %d vectors", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		form := url.Values{}
		for key, value := range v.Params {
			switch value := value.(type) {
			case string:
				form.Set(key, value)
			case []any:
				for _, one := range value {
					form.Add(key, one.(string))
				}
			default:
				t.Fatalf("%s: %T", v.Name, value)
			}
		}
		if have := Sign(v.AuthToken, v.URL, form); have != v.Signature {
			t.Errorf("%s: have %s, want %s", v.Name, have, v.Signature)
		}
	}
}

func TestSegmentsAreCountedAsTwilioCountsThem(t *testing.T) {
	var file struct {
		Cases []struct {
			Name     string
			Body     string
			Segments int
		}
	}
	readJSON(t, "sms-segments.json", &file)
	for _, c := range file.Cases {
		if have := segments(c.Body); have != c.Segments {
			t.Errorf("%s: have %d, want %d", c.Name, have, c.Segments)
		}
	}
}
