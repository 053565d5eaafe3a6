package scenario

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// story is what happened, as lines that a person reads.
type story struct {
	lines []string
	live  io.Writer // gets each line as it happens; nil = nobody watches
	day   string
}

// tell adds a line. Foreign text in it is made one line.
func (s *story) tell(at time.Time, format string, args ...any) {
	if day := at.Format("Monday 2006-01-02 MST"); day != s.day {
		s.day = day
		s.add("--- " + day)
	}
	layout := "15:04:05"
	if at.Nanosecond() != 0 {
		layout = "15:04:05.000"
	}
	s.add(fmt.Sprintf("%-12s  %s", at.Format(layout), oneLine(fmt.Sprintf(format, args...))))
}

func (s *story) add(line string) {
	s.lines = append(s.lines, line)
	if s.live != nil {
		fmt.Fprintln(s.live, line)
	}
}

func (s *story) tail(n int) []string { return s.lines[max(len(s.lines)-n, 0):] }

// oneLine folds white space and hides control characters.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
