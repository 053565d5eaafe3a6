package message

import (
	"fmt"
	"html/template"
	"strings"

	"pagerd/notify"
)

// letterPage is a letter's HTML part. There is nothing to load, and what people wrote is escaped.
var letterPage = template.Must(template.New("letter").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"></head>
<body style="font-family:system-ui,sans-serif;line-height:1.5;max-width:36em;margin:1em auto;padding:0 1em">
{{range .Paragraphs}}<p style="white-space:pre-line">{{.}}</p>
{{end}}{{if .Link}}<p><a href="{{.Link}}" style="display:inline-block;padding:.8em 1.4em;border-radius:.4em;background:#0b5cad;color:#fff;text-decoration:none;font-weight:600">{{.Do}}</a></p>
{{end}}<hr style="border:0;border-top:1px solid;opacity:.3">
<p style="opacity:.7">{{.Why}}{{if .Leave}} <a href="{{.Leave}}">No more of these mails</a>{{end}}</p>
</body></html>
`))

// Letter fills in a mail to somebody who is not rung: title and body are its text, why says for what reason they get it.
// n.Leave, if any, is shown as well. The body's lines are kept and may hold links, because our people wrote them: what a
// monitoring system wrote goes through Foreign before.
func Letter(n notify.Notification, title, body, why string) notify.Notification {
	return letter(n, title, body, "", why)
}

// Invitation fills in the mail that asks the owner of an address whether they want the updates of a status page; n.Link is
// where they say so.
func Invitation(n notify.Notification, page string) notify.Notification {
	page = foreign(page)
	body := fmt.Sprintf("Somebody, probably you, asked that the updates of %q be mailed to this address.\n\nIf it was you, please say so within two days:", page)
	return letter(n, "Please confirm: updates of "+page, body, "Yes, mail me the updates",
		"If it was not you, do nothing: the address is forgotten, and nothing more is sent.")
}

func letter(n notify.Notification, title, body, do, why string) notify.Notification {
	n.Title = short(visible(title), 150)
	var paragraphs []string
	for _, p := range strings.Split(body, "\n\n") {
		lines := strings.Split(p, "\n")
		for i, l := range lines {
			lines[i] = visible(l)
		}
		if p = strings.TrimSpace(strings.Join(lines, "\n")); p != "" {
			paragraphs = append(paragraphs, p)
		}
	}
	n.Text = strings.Join(paragraphs, "\n\n")
	if n.Link != "" {
		n.Text += "\n\n" + n.Link
	}
	n.Text += "\n\n-- \n" + why + "\n"
	if n.Leave != "" {
		n.Text += "No more of these mails: " + n.Leave + "\n"
	}
	var b strings.Builder
	err := letterPage.Execute(&b, map[string]any{"Paragraphs": paragraphs, "Link": n.Link, "Do": do, "Why": why, "Leave": n.Leave})
	if err == nil { // else the text part says the same
		n.HTML = b.String()
	}
	return n
}
