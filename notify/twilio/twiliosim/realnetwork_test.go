package twiliosim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestOverARealNetwork plays once what the other tests play in virtual time, with the simulator's own client.
func TestOverARealNetwork(t *testing.T) {
	a := &application{answer: map[string]http.HandlerFunc{
		"/sms":   twiml("<Response><Message>Acknowledged</Message></Response>"),
		"/moved": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/sms", http.StatusFound) },
	}}
	server := httptest.NewServer(a)
	defer server.Close()
	sim := New(Options{SMSURL: server.URL + "/sms"})
	defer sim.Close()
	api := httptest.NewServer(sim.Handler())
	defer api.Close()
	web := httptest.NewServer(sim.Web())
	defer web.Close()

	create := func() (*http.Response, error) {
		form := params("To", ana, "From", our, "Body", "hello", "StatusCallback", server.URL+"/status")
		r, err := http.NewRequestWithContext(t.Context(), "POST", api.URL+"/2010-04-01/Accounts/"+sim.AccountSID()+"/Messages.json", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(sim.AccountSID(), sim.AuthToken())
		res, err := api.Client().Do(r)
		if err == nil {
			_ = res.Body.Close()
		}
		return res, err
	}
	if res, err := create(); err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("have %v %v", res, err)
	}
	sim.Inject(Fault{Kind: FailDrop, Next: 1})
	if res, err := create(); err == nil {
		t.Errorf("the answer was not lost: %v", res.Status)
	}
	phone := sim.Phone(ana)
	for range 2 {
		if _, err := phone.WaitSMS(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if answer, err := phone.Reply(t.Context(), "4"); err != nil || answer.Text() != "Acknowledged" {
		t.Errorf("have %+v %v", answer, err)
	}
	sim.SetSMSURL(server.URL + "/moved")
	if answer, err := phone.Reply(t.Context(), "4"); err != nil || len(answer.Errors) != 1 || !strings.Contains(answer.Errors[0], "redirected") {
		t.Errorf("a redirect was followed: %+v %v", answer, err)
	}

	r, err := http.NewRequestWithContext(t.Context(), "GET", web.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := web.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Body.Close() }()
	buffer := make([]byte, 14)
	if _, err := stream.Body.Read(buffer); err != nil || string(buffer) != "event: changed" {
		t.Errorf("have %q %v", buffer, err)
	}
	sim.Close() // ends the stream, so that the servers can close
}
