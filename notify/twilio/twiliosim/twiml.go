package twiliosim

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxNesting bounds the depth of a TwiML document; Response, Gather, Say and its markup need five.
const maxNesting = 16

// node is an element of a TwiML document. text is its own character data, of a Say that of the markup inside too.
type node struct {
	name     string
	attrs    map[string]string
	text     string
	children []*node
}

func (n *node) attr(name, def string) string {
	if v, ok := n.attrs[name]; ok {
		return v
	}
	return def
}

func isXML(contentType string) bool {
	switch contentType {
	case "text/xml", "application/xml", "text/html":
		return true
	}
	return false
}

// parseTwiML reads a document whose root is Response. Errors begin with Twilio's code 12100.
func parseTwiML(document []byte) (*node, error) {
	if len(bytes.TrimSpace(document)) == 0 {
		return nil, errors.New("12100 document parse failure: the document is empty")
	}
	decoder := xml.NewDecoder(bytes.NewReader(document))
	var stack []*node
	var root *node
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("12100 document parse failure: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			n := &node{name: t.Name.Local, attrs: map[string]string{}}
			for _, a := range t.Attr {
				n.attrs[a.Name.Local] = a.Value
			}
			switch {
			case len(stack) > maxNesting:
				return nil, errors.New("12100 document parse failure: nested too deeply")
			case len(stack) > 0:
				parent := stack[len(stack)-1]
				parent.children = append(parent.children, n)
			case root != nil:
				return nil, errors.New("12100 document parse failure: more than one root")
			default:
				root = n
			}
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			for i, n := range stack {
				if i == len(stack)-1 || n.name == "Say" {
					n.text += string(t)
				}
			}
		}
	}
	if root == nil || root.name != "Response" {
		return nil, errors.New("12100 document parse failure: the root is not <Response>")
	}
	return root, nil
}

// spoken is the text of a Say with its whitespace collapsed.
func (n *node) spoken() string { return strings.Join(strings.Fields(n.text), " ") }

// knownAttributes are the attributes of the verbs that the interpreter understands, from Twilio's TwiML reference.
func knownAttributes(verb string) []string {
	switch verb {
	case "Say":
		return []string{"voice", "language", "loop"}
	case "Gather":
		return []string{"input", "numDigits", "timeout", "action", "method", "actionOnEmptyResult", "finishOnKey", "language"}
	case "Redirect":
		return []string{"method"}
	case "Pause":
		return []string{"length"}
	case "Reject":
		return []string{"reason"}
	}
	return nil
}
