package gateway

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pagerd/config"
	"pagerd/notify"
	"pagerd/notify/email/mailsink"
)

// TestAStrangerSubscribesReadsAndLeaves goes through the public listener and a real SMTP conversation: twice opted in, mailed
// what customers are told, and out again by the button that a mail program shows.
func TestAStrangerSubscribesReadsAndLeaves(t *testing.T) {
	f := newFleet(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sink := mailsink.New(l, mailsink.Options{})
	t.Cleanup(func() { _ = sink.Close() })
	cfg := f.config("a", fmt.Sprintf("{path: %q}", filepath.Join(t.TempDir(), "pagerd.db")), f.free())
	cfg.StatusPage = config.StatusPage{Title: "Status of Example", Components: map[string]string{"checkout": "Payments"}, Subscribe: true}
	cfg.Stakeholders = map[string][]notify.Contact{"checkout": {config.Stranger("support@example.com")}}
	cfg.Notify.SMTP = &config.SMTP{Address: l.Addr().String(), TLS: "none", From: "status@example.com"}
	m := f.run(cfg, nil)
	base := "http://" + m.g.PublicAddr() + "/status-page/"
	page := func(res *http.Response) (int, string) {
		t.Helper()
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(raw)
	}
	post := func(address string, form url.Values) (int, string) {
		t.Helper()
		res, err := f.client.PostForm(address, form)
		if err != nil {
			t.Fatal(err)
		}
		return page(res)
	}
	mails := func(to string) []mailsink.Message {
		return slices.DeleteFunc(sink.Messages(), func(m mailsink.Message) bool { return !slices.Contains(m.Recipients, to) })
	}
	tell := func(audience, text string) {
		t.Helper()
		body := fmt.Sprintf(`{"audience": %q, "state": "identified", "text": %q}`, audience, text)
		if status, answer := m.ops(http.MethodPost, "/api/v1/incidents/1001/updates", body); status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
	}
	if _, page := f.do(http.MethodGet, base, "", ""); !strings.Contains(page, `action="subscribe"`) {
		t.Error("the page has no form")
	}
	for _, bad := range []string{"", "reader", "reader@example.org\r\nBcc: other@example.org"} {
		if status, page := post(base+"subscribe", url.Values{"address": {bad}}); status != http.StatusUnprocessableEntity || !strings.Contains(page, "name@example.com") {
			t.Errorf("%q: %d %s", bad, status, page)
		}
	}
	if status, page := post(base+"subscribe", url.Values{"address": {"reader@example.org"}}); status != http.StatusOK || !strings.Contains(page, "look into your mail") {
		t.Fatalf("%d %s", status, page)
	}
	f.until("the invitation is there", func() bool { return len(mails("reader@example.org")) == 1 })
	link := regexp.MustCompile(`http://\S+/confirm/\S+`).FindString(mails("reader@example.org")[0].Text)
	if status, page := f.do(http.MethodGet, link, "", ""); status != http.StatusOK || !strings.Contains(page, "Yes, mail me the updates") {
		t.Fatalf("%q: %d %s", link, status, page)
	}
	if status, body := m.ops(http.MethodPost, "/api/v1/incidents", `{"service": "checkout", "severity": "SEV-1", "summary": "Down: the database of billing"}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	tell("customers", "Only looked at: nobody is told.")
	if status, page := post(link, nil); status != http.StatusOK || !strings.Contains(page, "You will hear from us") {
		t.Fatalf("%d %s", status, page)
	}
	tell("customers", "Payments by card fail.")
	tell("stakeholders", "The database of billing is full.")
	f.until("both are told", func() bool { return len(mails("reader@example.org")) == 2 && len(mails("support@example.com")) == 1 })
	letter := mails("reader@example.org")[1]
	leave := strings.Trim(letter.Header.Get("List-Unsubscribe"), "<>")
	if !strings.Contains(letter.Text, "Payments by card fail.") || letter.Header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" || !strings.Contains(letter.Text, leave) {
		t.Errorf("%v %s", letter.Header, letter.Text)
	}
	for _, private := range []string{"1001", "SEV", "Down", "billing"} {
		if strings.Contains(fmt.Sprint(letter.Header, letter.Text, letter.HTML), private) {
			t.Errorf("%q is told to everybody", private)
		}
	}
	if told := mails("support@example.com")[0]; !strings.Contains(told.Text, "The database of billing is full.") || told.Header.Get("List-Unsubscribe") != "" {
		t.Errorf("%v %s", told.Header, told.Text)
	}
	for _, forged := range []string{strings.Replace(link, "/confirm/", "/leave/", 1), strings.Replace(leave, "/leave/", "/confirm/", 1), leave[:len(leave)-2], base + "leave/x.y"} {
		if status, _ := post(forged, nil); status != http.StatusNotFound {
			t.Errorf("%q: %d", forged, status)
		}
	}
	if status, _ := f.do(http.MethodGet, leave, "", ""); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	tell("customers", "A scanner followed the link.")
	f.until("the link alone ends nothing", func() bool { return len(mails("reader@example.org")) == 3 })
	if status, page := post(leave, url.Values{"List-Unsubscribe": {"One-Click"}}); status != http.StatusOK || !strings.Contains(page, "forgotten") {
		t.Errorf("%d %s", status, page)
	}
	tell("customers", "Nobody reads this.")
	tell("stakeholders", "It is mended.")
	f.until("the stakeholders are told again", func() bool { return len(mails("support@example.com")) == 2 })
	if n := len(mails("reader@example.org")); n != 3 {
		t.Errorf("%d mails to who left", n)
	}
}
