package mailsink

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds nested multiparts; real mails have three levels at most.
const maxDepth = 8

// maxParts bounds the parts of one mail that are looked at.
const maxParts = 100

// parse reads a mail as far as it can be read and says in ParseError where it could not.
func parse(raw []byte) Message {
	m := Message{Raw: raw}
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		m.ParseError = fmt.Sprintf("reading the header: %v", err)
		return m
	}
	m.Header = parsed.Header
	m.Subject, m.From, m.To = decoded(m.Header.Get("Subject")), decoded(m.Header.Get("From")), decoded(m.Header.Get("To"))
	p := partReader{message: &m}
	if err := p.read(textproto.MIMEHeader(m.Header), parsed.Body, 0); err != nil {
		m.ParseError = fmt.Sprintf("reading the body: %v", err)
	}
	return m
}

// decoded undoes encoded words; what cannot be decoded stays as it is.
func decoded(value string) string {
	text, err := new(mime.WordDecoder).DecodeHeader(value)
	if err != nil {
		return value
	}
	return text
}

type partReader struct {
	message *Message
	parts   int
}

func (p *partReader) read(header textproto.MIMEHeader, body io.Reader, depth int) error {
	if p.parts++; p.parts > maxParts || depth > maxDepth {
		return fmt.Errorf("more than %d parts or %d levels", maxParts, maxDepth)
	}
	kind, params := "text/plain", map[string]string{}
	if value := header.Get("Content-Type"); value != "" {
		var err error
		if kind, params, err = mime.ParseMediaType(value); err != nil {
			return fmt.Errorf("content type: %w", err)
		}
	}
	if strings.HasPrefix(kind, "multipart/") {
		return p.readMultipart(multipart.NewReader(body, params["boundary"]), depth)
	}
	if kind != "text/plain" && kind != "text/html" || strings.HasPrefix(strings.ToLower(header.Get("Content-Disposition")), "attachment") {
		return nil
	}
	text, err := io.ReadAll(transferDecoded(header.Get("Content-Transfer-Encoding"), body))
	if err != nil {
		return fmt.Errorf("%s part: %w", kind, err)
	}
	s := strings.ReplaceAll(toUTF8(text, params["charset"]), "\r\n", "\n")
	if target := &p.message.Text; kind == "text/plain" && *target == "" {
		*target = s
	}
	if target := &p.message.HTML; kind == "text/html" && *target == "" {
		*target = s
	}
	return nil
}

func (p *partReader) readMultipart(r *multipart.Reader, depth int) error {
	for {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("multipart: %w", err)
		}
		if err := p.read(part.Header, part, depth+1); err != nil {
			return err
		}
	}
}

func transferDecoded(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r)
	}
	return r
}

// toUTF8 reads Latin-1 as such, everything else as UTF-8, and replaces what is not.
func toUTF8(b []byte, charset string) string {
	switch strings.ToLower(charset) {
	case "iso-8859-1", "latin1", "windows-1252":
		runes := make([]rune, len(b))
		for i, c := range b {
			runes[i] = rune(c)
		}
		return string(runes)
	}
	if !utf8.Valid(b) {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(b)
}

// A link ends before blanks, quotes and angle brackets; closing punctuation after it belongs to the sentence.
var linkPattern = regexp.MustCompile(`https?://[^\s<>"'\x00-\x1f]+`)

func links(text string) []string {
	var found []string
	for _, link := range linkPattern.FindAllString(text, -1) {
		if link = trimLink(link); !slices.Contains(found, link) {
			found = append(found, link)
		}
	}
	return found
}

func trimLink(link string) string { return strings.TrimRight(link, ".,;:!?)]}") }
