package message

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"pagerd/notify"
)

// title is the mail's subject: the same for every mail of a page, so that threads hold together.
func title(n notify.Notification) string { return drill(n) + thread(n) }

func thread(n notify.Notification) string {
	if n.Kind == notify.KindAlarm {
		return "[pagerd] needs attention"
	}
	if n.Kind == notify.KindOwed {
		return "[pagerd] " + short(reminded(n), 100)
	}
	if len(n.Subjects) == 0 {
		return "[pagerd]"
	}
	s := n.Subjects[0]
	if n.Kind.Read() {
		return fmt.Sprintf("[%s] incident %d: %s", s.Severity, s.Page, foreign(s.Service))
	}
	t := fmt.Sprintf("[%s] %s: %s (#%d)", s.Severity, foreign(s.Service), short(foreign(s.Summary), 120), s.Page)
	if len(n.Subjects) > 1 {
		t = fmt.Sprintf("[%s] %d pages: #%d and others", s.Severity, len(n.Subjects), s.Page)
	}
	if n.Again && !n.Drill { // that it is one comes first
		return "Re: " + t
	}
	return t
}

func short(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}

// heading says what the mail wants.
func heading(n notify.Notification) string {
	if n.Drill {
		return "DRILL, this is practice. " + wants(n)
	}
	return wants(n)
}

func wants(n notify.Notification) string {
	switch n.Kind {
	case notify.KindInform:
		return "For your information: please confirm that you know."
	case notify.KindJoined:
		return "It fires again, or more alerts joined. You have it."
	case notify.KindAsk:
		return "Are you still on it? Without an answer it rings again in 5 minutes."
	case notify.KindOver:
		return "Every alert is over. Is the incident?"
	case notify.KindResolved:
		return "Resolved."
	case notify.KindRemind:
		return "Your incident asks for you."
	case notify.KindOwed:
		return "A reminder."
	case notify.KindAlarm:
		return "pagerd itself needs attention."
	}
	return "Please acknowledge."
}

// mail is the plain text.
func mail(n notify.Notification) string {
	var b strings.Builder
	b.WriteString(heading(n) + "\n\n")
	if said := saidBy(n); said != "" {
		b.WriteString(said + "\n\n")
	}
	for _, s := range shown(n) {
		fmt.Fprintf(&b, "%s  %s  #%d\n%s\n", s.Severity, foreign(s.Service), s.Page, foreign(s.Summary))
		for _, f := range facts(s) {
			fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
		}
		b.WriteByte('\n')
	}
	if n.Link != "" {
		b.WriteString("Acknowledge, resolve or escalate: " + n.Link + "\n")
	}
	return b.String()
}

// saidBy is the sentence of a message that has one of its own. A reminder's is ours and says what to reply.
func saidBy(n notify.Notification) string {
	switch n.Kind {
	case notify.KindAlarm:
		return foreign(n.Text)
	case notify.KindRemind, notify.KindOwed:
		return reminded(n)
	}
	return ""
}

// shown are the pages that a mail describes: a reminder speaks of an incident and not of a page.
func shown(n notify.Notification) []notify.Subject {
	if n.Kind.Read() {
		return nil
	}
	return n.Subjects
}

// fact is a line of a mail. Link is set where the value can be opened.
type fact struct{ Name, Value, Link string }

func facts(s notify.Subject) []fact {
	out := []fact{{Name: "Status", Value: s.Status}, {Name: "Firing", Value: fmt.Sprint(s.Firing)}}
	if s.Hidden > 0 {
		out = append(out, fact{Name: "Left out by the sender", Value: fmt.Sprint(s.Hidden)})
	}
	if s.Environment != "" {
		out = append(out, fact{Name: "Environment", Value: foreign(s.Environment)})
	}
	if !s.Since.IsZero() {
		out = append(out, fact{Name: "Since", Value: s.Since.UTC().Format(time.DateTime) + " UTC"})
	}
	if s.Before != "" {
		out = append(out, fact{Name: "Before", Value: foreign(s.Before)})
	}
	if s.Acknowledger != "" {
		out = append(out, fact{Name: "Acknowledged by", Value: visible(s.Acknowledger)})
	}
	if s.Runbook != "" {
		f := fact{Name: "Runbook", Value: visible(s.Runbook)}
		if strings.HasPrefix(f.Value, "https://") || strings.HasPrefix(f.Value, "http://") {
			f.Link = f.Value
		}
		out = append(out, f)
	}
	return out
}

var mailPage = template.Must(template.New("mail").Funcs(template.FuncMap{"facts": facts, "clean": foreign}).Parse(`<!doctype html>
<html><head><meta name="color-scheme" content="light dark"></head>
<body style="font-family:system-ui,sans-serif;line-height:1.5;max-width:36em;margin:1em auto;padding:0 1em">
<p>{{.Heading}}</p>
{{if .Alarm}}<p>{{.Alarm}}</p>{{end}}
{{range .Shown}}<h1 style="font-size:1.2em;margin-bottom:0">{{.Severity}} {{clean .Service}} <small>#{{.Page}}</small></h1>
<p style="margin-top:.3em">{{clean .Summary}}</p>
<table>{{range facts .}}<tr><td style="padding-right:1em;opacity:.7">{{.Name}}</td><td>{{if .Link}}<a href="{{.Link}}">{{.Value}}</a>{{else}}{{.Value}}{{end}}</td></tr>{{end}}</table>
{{end}}
{{if .N.Link}}<p><a href="{{.N.Link}}" style="display:inline-block;padding:.8em 1.4em;border-radius:.4em;background:#0b5cad;color:#fff;text-decoration:none;font-weight:600">Open: acknowledge, resolve, escalate</a></p>{{end}}
</body></html>
`))

// HTML is the mail's HTML part, made before Text becomes the other one; a letter brings its own. Foreign text is escaped; there is nothing to load.
func HTML(n notify.Notification) string {
	if n.HTML != "" {
		return n.HTML
	}
	alarm := saidBy(n)
	var b strings.Builder
	if err := mailPage.Execute(&b, map[string]any{"Heading": heading(n), "N": n, "Shown": shown(n), "Alarm": alarm}); err != nil {
		return "" // the text part says the same
	}
	return b.String()
}
