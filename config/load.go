package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"go.yaml.in/yaml/v4"

	"pagerd/gateway/alert"
	"pagerd/notify"
	"pagerd/routing"
	"pagerd/schedule"
)

// Load reads and validates a file. env looks up ${env:NAME}; os.LookupEnv in the daemon. The error is [Errors] when the
// file could be read and is wrong.
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("read configuration: %s has %d bytes, at most %d are allowed", path, info.Size(), maxFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, data, env)
}

// Parse validates a configuration; name stands for the file in errors.
func Parse(name string, data []byte, env func(string) (string, bool)) (*Config, error) {
	r := &reader{file: name, env: env}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, syntax(name, err)
	}
	root := at{r: r}
	if len(doc.Content) > 0 {
		root.node = doc.Content[0]
	}
	if err := aliases(root.node); err != nil {
		return nil, Errors{{File: name, Line: err.Line, Column: err.Column, Message: "aliases and anchors are not allowed", Hint: "write the value out"}}
	}
	c := r.config(root)
	if len(r.errors) > 0 {
		return nil, r.errors.sorted()
	}
	sum := sha256.Sum256(data)
	c.File, c.Hash, c.Shared = name, hex.EncodeToString(sum[:]), shared(root.node)
	return c, nil
}

// syntax turns the parser's own errors into ours.
func syntax(name string, err error) error {
	var one *yaml.LoadError
	if errors.As(err, &one) {
		return Errors{{File: name, Line: one.Mark.Line, Column: max(one.Mark.Column, 1), Message: "not YAML: " + one.Message}}
	}
	return Errors{{File: name, Line: 1, Column: 1, Message: "not YAML: " + err.Error()}}
}

// aliases returns the first alias: none is needed, and a few make a file explode.
func aliases(n *yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return n
	}
	for _, c := range n.Content {
		if found := aliases(c); found != nil {
			return found
		}
	}
	return nil
}

// config reads every section. It is long because it is the list of what there is.
func (r *reader) config(root at) *Config {
	f := root.mapping("listen", "public_url", "store", "sources", "routes", "severities", "services", "people", "teams",
		"schedules", "overrides", "policies", "notify", "operators", "silences", "tokens", "link_key", "replica", "incidents", "status_page", "reports")
	c := &Config{Stakeholders: map[string][]notify.Contact{}}
	l := f["listen"].mapping("public", "ops")
	c.Public, c.Ops = or(l["public"].text(), "127.0.0.1:8080"), or(l["ops"].text(), "127.0.0.1:8081")
	c.PublicURL = or(f["public_url"].link(), "http://"+c.Public)
	c.Store = r.store(f["store"])
	c.LinkKey, c.Replica = Secret(f["link_key"].text()), f["replica"].text()
	c.Sources = r.sources(f["sources"], root)
	c.Book = r.people(f["people"], root)
	r.teams(f["teams"], c.Book)
	r.schedules(f["schedules"], root, c.Book)
	r.overrides(f["overrides"], c.Book)
	c.Severities = r.severities(f["severities"])
	c.Incidents = r.incidents(f["incidents"])
	c.StatusPage = r.statusPage(f["status_page"])
	c.Book.Ladder = map[alert.Severity][]schedule.Default{}
	for s, severity := range c.Severities {
		for _, rule := range severity.Ladder {
			c.Book.Ladder[s] = append(c.Book.Ladder[s], schedule.Default{Channel: rule.Channel, Delay: rule.Delay})
		}
	}
	c.Notify = r.notify(f["notify"])
	c.Operators = r.operators(f["operators"], c.Book)
	c.Tokens = r.tokens(f["tokens"], c.Book)
	if c.StatusPage.Subscribe && c.Notify.SMTP == nil {
		f["status_page"].fail("configure notify: smtp, or leave \"subscribe\" out", "subscribers cannot be mailed: notify.smtp is missing")
	}
	c.Reports = r.reports(f["reports"], c)
	c.Routing = r.routing(f, root, c)
	r.shareable(f["replica"], root, c)
	return c
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func (r *reader) sources(a, root at) []Source {
	if a.missing() {
		root.fail("name where alerts come from, e.g. sources: [{name: prod, kind: alertmanager, token: \"${env:TOKEN}\"}]", "\"sources\" is missing")
	}
	var out []Source
	seen := map[string]bool{}
	for _, e := range a.list() {
		f := e.mapping("name", "kind", "token", "tokens", "basic", "topics", "raw", "stale_after", "group_interval", "insufficient_data")
		s := Source{Name: e.name(f["name"], seen), Kind: f["kind"].oneOf("alertmanager", "alertmanager", "sns")}
		for _, t := range append(f["token"].texts(), f["tokens"].texts()...) {
			if t == "" {
				e.fail("", "an empty token would let everybody in")
				continue
			}
			s.Tokens = append(s.Tokens, Secret(t))
		}
		b := f["basic"].mapping("user", "password")
		s.BasicUser, s.BasicPass = b["user"].text(), Secret(b["password"].text())
		s.Topics, s.Raw = f["topics"].texts(), f["raw"].yes(false)
		s.InsufficientData = f["insufficient_data"].oneOf("ignore", "ignore", "resolve", "alarm")
		stale := 9 * time.Hour
		if s.Kind == "sns" {
			stale = 24 * time.Hour
		}
		s.StaleAfter = f["stale_after"].duration(stale, time.Second)
		s.GroupInterval = f["group_interval"].duration(5*time.Minute, time.Second)
		r.checkSource(e, s)
		out = append(out, s)
	}
	return out
}

func (r *reader) checkSource(e at, s Source) {
	open := len(s.Tokens) == 0 && (s.BasicUser == "" || s.BasicPass == "")
	switch {
	case s.Kind == "alertmanager" && open:
		e.fail("give it a token: \"${env:NAME}\" or basic: {user, password}", "the source %q has no credential", s.Name)
	case s.Kind == "sns" && len(s.Topics) == 0:
		e.fail("list the topics' ARNs: anybody can sign with SNS from an account of their own", "the source %q has no topics", s.Name)
	case s.Raw && open:
		e.fail("raw messages carry no signature", "the source %q takes raw delivery and has no credential", s.Name)
	}
}

// name reads a unique short name.
func (a at) name(n at, seen map[string]bool) string {
	s := n.need(a)
	if s == "" {
		return s
	}
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			n.fail("", "found %q, want a name of small letters, digits, - _ .", s)
			break
		}
	}
	if seen[s] {
		n.fail("", "the name %q is there twice", s)
	}
	seen[s] = true
	return s
}

func (r *reader) notify(a at) Notify {
	f := a.mapping("twilio", "smtp", "bundle_window", "ack_codes")
	n := Notify{BundleWindow: f["bundle_window"].duration(30*time.Second, 0), AckCodes: f["ack_codes"].oneOf("plain", "plain")}
	if t := f["twilio"]; !t.missing() {
		g := t.mapping("account_sid", "auth_token", "previous_auth_token", "from", "base_url", "language")
		n.Twilio = &Twilio{AccountSID: g["account_sid"].need(t), AuthToken: Secret(g["auth_token"].need(t)),
			PreviousAuthToken: Secret(g["previous_auth_token"].text()), From: g["from"].phone(),
			BaseURL: or(g["base_url"].link(), "https://api.twilio.com"), Language: or(g["language"].text(), "en-US")}
		if g["from"].missing() {
			t.fail("the number that Twilio gave you", "\"from\" is missing")
		}
	}
	if s := f["smtp"]; !s.missing() {
		g := s.mapping("address", "tls", "username", "password", "from")
		n.SMTP = &SMTP{Address: g["address"].need(s), TLS: g["tls"].oneOf("mandatory", "mandatory", "implicit", "none"),
			Username: g["username"].text(), Password: Secret(g["password"].text()), From: g["from"].need(s)}
	}
	return n
}

func (r *reader) operators(a at, book *schedule.Book) []notify.Contact {
	var out []notify.Contact
	for i, e := range a.list() {
		f := e.mapping("person", "sms", "voice", "email")
		if name := f["person"].text(); name != "" {
			p, ok := book.People[name]
			if !ok {
				f["person"].fail("", "there is no person %q", name)
			}
			if len(p.Contacts) > 0 {
				out = append(out, p.Contacts[0])
			}
			continue
		}
		out = append(out, contacts(fmt.Sprintf("operator%d", i+1), f)...)
	}
	return out
}

// contacts are the contact methods that a mapping gives.
func contacts(person string, f fields) []notify.Contact {
	var out []notify.Contact
	add := func(c notify.Channel, address string) {
		if address != "" {
			out = append(out, notify.Contact{ID: person + "/" + string(c), Person: person, Channel: c, Address: address})
		}
	}
	add(notify.SMS, f["sms"].phone())
	add(notify.Voice, f["voice"].phone())
	mail := f["email"].text()
	if mail != "" && !plausibleMail(mail) {
		f["email"].fail("", "found an address without a name and a host around one @")
	}
	add(notify.Email, mail)
	return out
}

func (r *reader) tokens(a at, book *schedule.Book) []Token {
	var out []Token
	seen := map[string]bool{}
	for _, e := range a.list() {
		f := e.mapping("name", "token", "role", "person")
		t := Token{Name: e.name(f["name"], seen), Secret: Secret(f["token"].need(e)), Role: f["role"].oneOf("viewer", "viewer", "responder", "admin"),
			Person: f["person"].text()}
		if _, ok := book.People[t.Person]; t.Person != "" && !ok {
			f["person"].fail("", "there is no person %q", t.Person)
		}
		out = append(out, t)
	}
	return out
}

// silences are read here because routing owns their matchers.
func (r *reader) silences(a at) []routing.Silence {
	var out []routing.Silence
	seen := map[string]bool{}
	for _, e := range a.list() {
		f := e.mapping("name", "match", "start", "end", "zone", "author", "reason")
		zone := f["zone"].zone(time.UTC)
		s := routing.Silence{Name: e.name(f["name"], seen), Matchers: f["match"].texts(), Author: f["author"].text(), Reason: f["reason"].text()}
		if f["start"].missing() || f["end"].missing() {
			e.fail("a silence without an end is an outage", "\"start\" and \"end\" are needed")
			continue
		}
		s.Start, s.End = f["start"].instant(zone), f["end"].instant(zone)
		if !s.End.After(s.Start) {
			f["end"].fail("", "the end is not after the start")
		}
		if len(s.Matchers) == 0 {
			e.fail("name what is silenced, e.g. match: ['service=\"search\"']", "a silence without matchers would silence everything")
		}
		if _, err := routing.ParseMatchers(s.Matchers); err != nil {
			f["match"].fail(`write it like service="checkout" or severity=~"info|none"`, "%v", err)
		}
		out = append(out, s)
	}
	return out
}
