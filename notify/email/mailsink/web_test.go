package mailsink

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func browse(t *testing.T, sink *Sink, method, path, body string, status int) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost"+path, strings.NewReader(body))
	rec := httptest.NewRecorder()
	sink.Web().ServeHTTP(rec, r)
	if rec.Code != status {
		t.Errorf("%s %s: %d %s", method, path, rec.Code, rec.Body)
	}
	return rec
}

func TestThePageListsMailsAndShowsOne(t *testing.T) {
	sink, client := start(t, Options{Path: "/mail", Title: "Demo mail"})
	browse(t, sink, "GET", "/mail/", "", 200)
	m := page(t, "SEV-1 <b>", "Open https://pager.example.com/r/7F3K. <script>alert(1)</script> javascript:alert(2)", ana)
	if err := send(t, client, m); err != nil {
		t.Fatal(err)
	}
	list := browse(t, sink, "GET", "/mail/", "", 200).Body.String()
	if !strings.Contains(list, `href="/mail/1"`) || !strings.Contains(list, "SEV-1 &lt;b&gt;") || !strings.Contains(list, ana) {
		t.Errorf("list:\n%s", list)
	}
	rec := browse(t, sink, "GET", "/mail/1", "", 200)
	shown := rec.Body.String()
	if !strings.Contains(shown, `<a href="https://pager.example.com/r/7F3K" target="_blank" rel="noopener">https://pager.example.com/r/7F3K</a>. &lt;script&gt;`) {
		t.Errorf("mail:\n%s", shown)
	}
	if strings.Contains(shown, "<script") || strings.Contains(shown, `href="javascript`) {
		t.Errorf("foreign markup:\n%s", shown)
	}
	if !strings.HasPrefix(rec.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("no policy")
	}
	html := browse(t, sink, "GET", "/mail/1/html", "", 200)
	if policy := html.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox") || strings.Contains(policy, "allow-scripts") || strings.Contains(policy, "allow-same-origin") {
		t.Errorf("the HTML part is not in a sandbox: %q", policy)
	}
	if raw := browse(t, sink, "GET", "/mail/1/raw", "", 200); !strings.HasPrefix(raw.Header().Get("Content-Type"), "text/plain") {
		t.Error("raw is not plain")
	}
	browse(t, sink, "GET", "/mail/mail.css", "", 200)
	browse(t, sink, "GET", "/mail/2", "", 404)
	browse(t, sink, "GET", "/mail/x", "", 404)
}

func TestProgramsReadMailsAndSwitchRecipients(t *testing.T) {
	sink, client := start(t, Options{})
	if err := send(t, client, page(t, "hello", "x", ana)); err != nil {
		t.Fatal(err)
	}
	var rows []Row
	if err := json.Unmarshal(browse(t, sink, "GET", "/messages", "", 200).Body.Bytes(), &rows); err != nil || len(rows) != 1 || rows[0].Subject != "hello" || rows[0].MessageID != "<page.1042@pager.example.com>" {
		t.Errorf("have %+v %v", rows, err)
	}
	browse(t, sink, "POST", "/control", `{"address":"ana@example.com","switch":{"refuse":"550"}}`, http.StatusNoContent)
	if err := send(t, client, page(t, "hello", "x", ana)); err == nil {
		t.Error("not refused")
	}
	for _, bad := range []string{`{}`, `[`, `{"address":"x","switch":{"refuse":"999"}}`, `{"address":"x","switch":{"drop":"now"}}`, `{"adress":"x"}`} {
		browse(t, sink, "POST", "/control", bad, http.StatusBadRequest)
	}
}
