package api_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pagerd/gateway/api"
)

func (d *door) client(token string) *api.Client {
	server := httptest.NewServer(d.handler)
	d.t.Cleanup(server.Close)
	return &api.Client{Base: server.URL, Token: token, Via: "cli"}
}

func TestTheClientDoesWhatAPersonAsksFor(t *testing.T) {
	d := newDoor(t)
	n := d.page(nil)
	c, ctx := d.client(responderToken), context.Background()
	if list, err := c.Pages(ctx, true, 0, 0); err != nil || len(list.Pages) != 1 || list.Pages[0].Number != n {
		t.Errorf("pages %+v, %v", list, err)
	}
	if out, err := c.Acknowledge(ctx, n); err != nil || out.Answers[0].Code != "acknowledged" {
		t.Errorf("acknowledge %+v, %v", out, err)
	}
	if out, err := c.Note(ctx, n, "on it"); err != nil || out.Answers[0].Code != "noted" {
		t.Errorf("note %+v, %v", out, err)
	}
	if d, err := c.Page(ctx, n); err != nil || d.Page.AckedHow != "cli" || len(d.Timeline) < 3 {
		t.Errorf("page %+v, %v", d, err)
	}
	if out, err := c.Mitigate(ctx, n); err != nil || out.Code != "mitigated" {
		t.Errorf("mitigate %+v, %v", out, err)
	}
	if out, err := c.Resolve(ctx, n); err != nil || out.Answers[0].Code != "resolved" {
		t.Errorf("resolve %+v, %v", out, err)
	}
	if st, err := c.Status(ctx); err != nil || st.Version.Version != "1.2.3" {
		t.Errorf("status %+v, %v", st.Version, err)
	}
}

func TestTheClientGivesTheServersSentenceAndHint(t *testing.T) {
	d := newDoor(t)
	_, err := d.client("wrong").Page(context.Background(), 7)
	var e *api.Error
	if !errors.As(err, &e) || e.Status != http.StatusUnauthorized || e.Message == "" || e.Hint == "" {
		t.Errorf("error %#v", err)
	}
	if _, err := d.client(viewerToken).Page(context.Background(), 7); !errors.As(err, &e) || e.Status != http.StatusNotFound || !strings.Contains(e.Message, "no page 7") {
		t.Errorf("error %#v", err)
	}
}

func TestTheClientAsksWhetherPagerdRuns(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = (&api.Client{Base: base}).Version(context.Background())
	var e *api.Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint, "is pagerd running?") || !strings.Contains(e.Message, base) {
		t.Errorf("error %#v", err)
	}
}

func TestTheClientDoesNotTakeAnotherServersPageForAnAnswer(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"a web page": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>hello</html>")) },
		"a refusal":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad gateway", http.StatusBadGateway) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
	} {
		server := httptest.NewServer(h)
		_, err := (&api.Client{Base: server.URL}).Version(context.Background())
		server.Close()
		var e *api.Error
		if !errors.As(err, &e) || !strings.Contains(e.Hint, "ops listener") {
			t.Errorf("%s: error %#v", name, err)
		}
	}
}
