package twiliosim

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRequestsThatTwilioRefusesAreRefusedWithItsCodes(t *testing.T) {
	message := func(more ...string) url.Values {
		form := params("To", ana, "From", our, "Body", "hello")
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form
	}
	call := func(more ...string) url.Values {
		form := params("To", ana, "From", our, "Url", app+"/voice")
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form
	}
	for _, c := range []struct {
		name, resource string
		form           url.Values
		code           float64
	}{
		{"no receiver", "Messages.json", message("To", ""), 21604},
		{"receiver without plus", "Messages.json", message("To", "4915112345678"), 21211},
		{"no sender", "Messages.json", message("From", ""), 21603},
		{"foreign sender", "Messages.json", message("From", "+15005550009"), 21606},
		{"no text", "Messages.json", message("Body", ""), 21602},
		{"too long", "Messages.json", message("Body", strings.Repeat("ж", 1601)), 21617},
		{"unknown field", "Messages.json", message("Boody", "x"), 20001},
		{"bad enumeration", "Messages.json", message("RiskCheck", "maybe"), 20422},
		{"bad number", "Messages.json", message("ValidityPeriod", "5m"), 20422},
		{"validity too long", "Messages.json", message("ValidityPeriod", "36001"), 21624},
		{"validity zero", "Messages.json", message("ValidityPeriod", "0"), 21624},
		{"callback without host", "Messages.json", message("StatusCallback", "/status"), 21609},
		{"bad service", "Messages.json", message("MessagingServiceSid", "MGx"), 20422},
		{"call without receiver", "Calls.json", call("To", ""), 21201},
		{"call without sender", "Calls.json", call("From", ""), 21213},
		{"call to nonsense", "Calls.json", call("To", "+0"), 21211},
		{"call from a foreign number", "Calls.json", call("From", "+15005550009"), 21210},
		{"call without document", "Calls.json", call("Url", ""), 21205},
		{"call with relative document", "Calls.json", call("Url", "/voice"), 21205},
		{"call with unknown event", "Calls.json", call("StatusCallbackEvent", "finished"), 20422},
		{"call with bad method", "Calls.json", call("Method", "PUT"), 20422},
		{"call with bad detection", "Calls.json", call("MachineDetection", "enable"), 20422},
		{"call with long timeout", "Calls.json", call("Timeout", "601"), 20422},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, Options{Numbers: []string{our}}, func(w *world) {
				status, v := w.do("POST", c.resource, c.form)
				if status != http.StatusBadRequest || v["code"] != c.code || v["status"] != float64(status) || v["message"] == "" || v["more_info"] == "" {
					w.Errorf("have %d %v, want code %v", status, v, c.code)
				}
				if len(w.sim.Messages())+len(w.sim.Calls()) != 0 {
					w.Error("a refused request took effect")
				}
				if e := w.sim.Log()[0]; e.Accepted || e.Code != int(c.code) || e.Status != status {
					w.Errorf("log: %+v", e)
				}
			})
		})
	}
}

func TestAKeyGivenTwiceIsRefused(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		if status, v := w.do("POST", "Messages.json", params("To", ana, "To", our, "From", our, "Body", "x")); status != 400 || v["code"] != 20422.0 {
			w.Errorf("have %d %v", status, v)
		}
	})
}

func TestOnlyTheAccountsCredentialsAreLetIn(t *testing.T) {
	inWorld(t, Options{APIKeys: map[string]string{"SK1": "secret"}}, func(w *world) {
		for _, c := range []struct {
			user, password string
			status         int
		}{
			{DefaultAccountSID, DefaultAuthToken, 201},
			{"SK1", "secret", 201},
			{"SK1", DefaultAuthToken, 401},
			{DefaultAccountSID, "", 401},
			{"", "", 401},
			{"AC00000000000000000000000000000002", DefaultAuthToken, 401},
		} {
			r := w.request("POST", "Messages.json", params("To", ana, "From", our, "Body", "x"))
			r.SetBasicAuth(c.user, c.password)
			res, err := w.api.Do(r)
			w.must(err)
			if res.StatusCode != c.status {
				w.Errorf("%s: have %d, want %d", c.user, res.StatusCode, c.status)
			}
		}
	})
}

func TestListedMessagesAreNewestFirstAndFiltered(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.text("one")
		pass(time.Minute)
		since := time.Now()
		w.text("two")
		w.do("POST", "Messages.json", params("To", "+491701", "From", our, "Body", "too short a number"))
		w.do("POST", "Messages.json", params("To", "+4917012345678", "From", our, "Body", "other"))
		synctest.Wait()
		bodies := func(query string) string {
			w.Helper()
			status, v := w.do("GET", "Messages.json?"+query, nil)
			if status != 200 {
				w.Fatalf("%s: %v", query, v)
			}
			var list []string
			for _, m := range v["messages"].([]any) {
				list = append(list, m.(map[string]any)["body"].(string))
			}
			return strings.Join(list, " ")
		}
		to := "To=" + url.QueryEscape(ana)
		for query, want := range map[string]string{
			"":                        "other two one",
			to:                        "two one",
			to + "&PageSize=1":        "two",
			to + "&PageSize=1&Page=1": "one",
			to + "&DateSent%3E=" + url.QueryEscape(since.UTC().Format(time.RFC3339)):                   "two",
			to + "&DateSent%3C=" + url.QueryEscape(since.Add(-time.Second).UTC().Format(time.RFC3339)): "one",
			"DateSent=" + since.UTC().Format(time.DateOnly):                                            "other two one",
			"DateSent=1999-01-01": "",
			"From=%2B15005550007": "",
		} {
			if have := bodies(query); have != want {
				w.Errorf("%s: have %q, want %q", query, have, want)
			}
		}
		if status, v := w.do("GET", "Messages.json?Too=x", nil); status != 400 {
			w.Errorf("unknown filter: %d %v", status, v)
		}
	})
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		for _, resource := range []string{"Messages/SM00000000000000000000000000000000.json", "Calls/CA00000000000000000000000000000000.json", "Calls/CA1", "Faxes.json"} {
			if status, v := w.do("GET", resource, nil); status != 404 || v["code"] != 20404.0 {
				w.Errorf("%s: %d %v", resource, status, v)
			}
		}
	})
}
