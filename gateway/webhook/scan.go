package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
)

// maxDepth is far above what a sender nests (a dozen) and far below what costs anything.
const maxDepth = 200

// errScan wraps what is wrong with a body's outer form.
var errScan = errors.New("not JSON")

func scanError(at int) error { return fmt.Errorf("%w at byte %d", errScan, at) }

// object hands every member of a JSON object to each, in order and without copying, so that a body of any size is taken
// apart one value at a time. Only brackets and strings are read here: each must decode or validate what it is given.
func object(text []byte, each func(key, value []byte) error) error {
	return elements(text, '{', '}', func(at int) (int, error) {
		end, err := skipString(text, at)
		if err != nil {
			return at, err
		}
		key := text[at+1 : end-1]
		if !plain(key) {
			name, _, err := word(text[at:end])
			if err != nil {
				return at, err
			}
			key = []byte(name)
		}
		at = skipSpace(text, end)
		if at >= len(text) || text[at] != ':' {
			return at, scanError(at)
		}
		at = skipSpace(text, at+1)
		if end, err = skipValue(text, at); err != nil {
			return at, err
		}
		return end, each(key, text[at:end])
	})
}

// array hands every element of a JSON array to each, like object.
func array(text []byte, each func(value []byte) error) error {
	return elements(text, '[', ']', func(at int) (int, error) {
		end, err := skipValue(text, at)
		if err != nil {
			return at, err
		}
		return end, each(text[at:end])
	})
}

// elements walks a list between two brackets; one reads an element and returns where it ends.
func elements(text []byte, open, shut byte, one func(at int) (int, error)) error {
	at := skipSpace(text, 0)
	if at >= len(text) || text[at] != open {
		return scanError(at)
	}
	at = skipSpace(text, at+1)
	for first := true; ; first = false {
		if at >= len(text) {
			return scanError(at)
		}
		if first && text[at] == shut {
			break
		}
		end, err := one(at)
		if err != nil {
			return err
		}
		at = skipSpace(text, end)
		if at >= len(text) || text[at] != ',' && text[at] != shut {
			return scanError(at)
		}
		if text[at] == shut {
			break
		}
		at = skipSpace(text, at+1)
	}
	if at = skipSpace(text, at+1); at < len(text) {
		return scanError(at)
	}
	return nil
}

// word decodes a string; ok is false for a value of another kind, of which s is the text.
func word(value []byte) (s string, ok bool, err error) {
	if value[0] != '"' {
		return string(value), false, valid(value)
	}
	if inner := value[1 : len(value)-1]; plain(inner) {
		return string(inner), true, nil
	}
	if err := json.Unmarshal(value, &s); err != nil {
		return "", false, fmt.Errorf("%w: a string", errScan)
	}
	return s, true, nil
}

// plain reports whether a string's inside is its value as it stands.
func plain(inner []byte) bool {
	for _, c := range inner {
		if c < ' ' || c >= 0x7f || c == '\\' {
			return false
		}
	}
	return true
}

// valid checks a value that is not used.
func valid(value []byte) error {
	if !json.Valid(value) {
		return fmt.Errorf("%w: a value", errScan)
	}
	return nil
}

func skipSpace(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t') {
		at++
	}
	return at
}

// skipString returns where the string that begins at at ends.
func skipString(text []byte, at int) (int, error) {
	if at >= len(text) || text[at] != '"' {
		return at, scanError(at)
	}
	for i := at + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1, nil
		}
	}
	return at, scanError(len(text))
}

// skipValue returns where the value that begins at at ends.
func skipValue(text []byte, at int) (int, error) {
	if at >= len(text) {
		return at, scanError(at)
	}
	switch text[at] {
	case '"':
		return skipString(text, at)
	case '{', '[':
		return skipNested(text, at)
	}
	end := at
	for end < len(text) && !isDelimiter(text[end]) {
		end++
	}
	if end == at {
		return at, scanError(at)
	}
	return end, nil
}

func skipNested(text []byte, at int) (int, error) {
	depth := 0
	for i := at; i < len(text); i++ {
		switch text[i] {
		case '"':
			end, err := skipString(text, i)
			if err != nil {
				return i, err
			}
			i = end - 1
		case '{', '[':
			if depth++; depth > maxDepth {
				return i, scanError(i)
			}
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1, nil
			}
		}
	}
	return at, scanError(len(text))
}

func isDelimiter(c byte) bool {
	switch c {
	case ',', ':', '[', ']', '{', '}', '"', ' ', '\n', '\r', '\t':
		return true
	}
	return false
}
