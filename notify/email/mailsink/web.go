package mailsink

import (
	"embed"
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFiles, "page/page.html"))

const (
	// policy lets the page load its own style and frame a mail's HTML, and nothing else.
	policy = "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
	// framePolicy is for a mail's HTML, which is foreign: no scripts, no forms, nothing from the network, an origin of
	// its own.
	framePolicy = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
	maxControl  = 64 << 10
)

func (s *Sink) web() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+s.opt.Path+"{$}", s.showList)
	mux.HandleFunc("GET "+s.opt.Path+"mail.css", showStyle)
	mux.HandleFunc("GET "+s.opt.Path+"messages", s.showJSON)
	mux.HandleFunc("POST "+s.opt.Path+"control", s.control)
	mux.HandleFunc("GET "+s.opt.Path+"{id}", s.ofMessage(s.showMessage))
	mux.HandleFunc("GET "+s.opt.Path+"{id}/html", s.ofMessage(showHTML))
	mux.HandleFunc("GET "+s.opt.Path+"{id}/raw", s.ofMessage(showRaw))
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		// no-referrer would make a followed acknowledge page's form send "Origin: null".
		w.Header().Set("Referrer-Policy", "same-origin")
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	}))
}

type listView struct {
	Title string
	Path  string
	Mails []Message // newest first
}

type mailView struct {
	Title   string
	Path    string
	Mail    Message
	Clock   string
	Pieces  []piece
	Headers []header
}

// piece is a run of a mail's text: a link, or not.
type piece struct {
	Text string
	Link bool
}

type header struct{ Name, Value string }

func (s *Sink) showList(w http.ResponseWriter, _ *http.Request) {
	mails := s.Messages()
	slices.Reverse(mails)
	s.render(w, "list", listView{Title: s.opt.Title, Path: s.opt.Path, Mails: mails})
}

func (s *Sink) showMessage(w http.ResponseWriter, _ *http.Request, m Message) {
	v := mailView{Title: s.opt.Title, Path: s.opt.Path, Mail: m, Clock: m.At.Format(time.DateTime), Pieces: pieces(m.Text)}
	for name, values := range m.Header {
		for _, value := range values {
			v.Headers = append(v.Headers, header{Name: name, Value: decoded(value)})
		}
	}
	slices.SortFunc(v.Headers, func(a, b header) int { return strings.Compare(a.Name+"\x00"+a.Value, b.Name+"\x00"+b.Value) })
	s.render(w, "mail", v)
}

func showHTML(w http.ResponseWriter, _ *http.Request, m Message) {
	w.Header().Set("Content-Security-Policy", framePolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, m.HTML) // a browser that is gone is not told
}

func showRaw(w http.ResponseWriter, _ *http.Request, m Message) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(m.Raw) // a browser that is gone is not told
}

func (s *Sink) render(w http.ResponseWriter, name string, v any) {
	var text strings.Builder
	if err := pageTemplate.ExecuteTemplate(&text, name, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, text.String()) // a browser that is gone is not told
}

func showStyle(w http.ResponseWriter, _ *http.Request) {
	data, err := pageFiles.ReadFile("page/mail.css")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(data) // a browser that is gone is not told
}

// ofMessage finds the message that the path names.
func (s *Sink) ofMessage(show func(http.ResponseWriter, *http.Request, Message)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		m, ok := s.Message(id)
		if err != nil || !ok {
			http.NotFound(w, r)
			return
		}
		show(w, r, m)
	}
}

// pieces cuts a text into links and what is between them.
func pieces(text string) []piece {
	var list []piece
	for text != "" {
		at := linkPattern.FindStringIndex(text)
		if at == nil {
			return append(list, piece{Text: text})
		}
		if at[0] > 0 {
			list = append(list, piece{Text: text[:at[0]]})
		}
		link := trimLink(text[at[0]:at[1]])
		list = append(list, piece{Text: link, Link: true})
		text = text[at[0]+len(link):]
	}
	return list
}

// Row is a mail in the JSON that GET messages shows, newest last.
type Row struct {
	ID         int       `json:"id"`
	At         time.Time `json:"at"`
	Sender     string    `json:"sender"`
	Recipients []string  `json:"recipients"`
	Subject    string    `json:"subject"`
	MessageID  string    `json:"message_id"`
	Text       string    `json:"text"`
}

func (s *Sink) showJSON(w http.ResponseWriter, _ *http.Request) {
	rows := []Row{}
	for _, m := range s.Messages() {
		rows = append(rows, Row{
			ID: m.ID, At: m.At, Sender: m.Sender, Recipients: m.Recipients, Subject: m.Subject, MessageID: m.Header.Get("Message-Id"), Text: m.Text,
		})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(rows) // a reader that is gone is not told
}

// Control is the body of POST control: how one recipient is treated from now on, "*" for everybody else.
type Control struct {
	Address string `json:"address"`
	Switch  Switch `json:"switch"`
}

func (s *Sink) control(w http.ResponseWriter, r *http.Request) {
	var c Control
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControl))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		http.Error(w, "reading the control: "+err.Error(), http.StatusBadRequest)
		return
	}
	if c.Address == "" || !c.Switch.known() {
		http.Error(w, "control needs an address and a known switch", http.StatusBadRequest)
		return
	}
	s.Set(c.Address, c.Switch)
	w.WriteHeader(http.StatusNoContent)
}
