package twiliosim

import (
	"fmt"
	"strings"
)

// trouble says what is wrong with a telephone.
func (h *handset) trouble() string {
	b := h.behaviour
	var words []string
	if h.optedOut {
		words = append(words, "texted STOP")
	}
	switch b.Call {
	case AlwaysBusy:
		words = append(words, "busy")
	case NeverAnswers:
		words = append(words, "does not answer")
	case SwitchedOff:
		words = append(words, "switched off")
	case VoicemailAnswers:
		words = append(words, "voicemail")
	case PicksUp:
		words = append(words, "picks up")
	}
	for _, failing := range []struct {
		how  string
		code int
	}{{"undelivered", b.Undelivered}, {"failed", b.Failed}, {"refused", b.Refuse}} {
		if failing.code != 0 {
			words = append(words, fmt.Sprintf("SMS %s %d", failing.how, failing.code))
		}
	}
	if b.Lost {
		words = append(words, "SMS lost")
	}
	return strings.Join(words, ", ")
}

func (h *handset) callChoices() []choice {
	list := []choice{
		{Value: "", Title: "ring until answered"}, {Value: "busy", Title: "are busy"}, {Value: "no-answer", Title: "are not answered"},
		{Value: "voicemail", Title: "go to voicemail"}, {Value: "failed", Title: "fail"}, {Value: "answer", Title: "are picked up at once"},
	}
	for i := range list {
		list[i].Selected = list[i].Value == string(h.behaviour.Call)
	}
	return list
}

func (h *handset) messageChoices() []choice {
	b := h.behaviour
	current := ""
	switch {
	case b.Undelivered != 0:
		current = "undelivered " + itoa(b.Undelivered)
	case b.Failed != 0:
		current = "failed " + itoa(b.Failed)
	case b.Refuse != 0:
		current = "refused " + itoa(b.Refuse)
	case b.Lost:
		current = "lost"
	}
	list := []choice{
		{Value: "", Title: "arrive"}, {Value: "undelivered 30003", Title: "fail: handset off (30003)"},
		{Value: "undelivered 30005", Title: "fail: unknown handset (30005)"}, {Value: "failed 30001", Title: "fail: queue overflow (30001)"},
		{Value: "refused 21614", Title: "are refused: not mobile (21614)"}, {Value: "lost", Title: "vanish without a receipt"},
	}
	known := false
	for i := range list {
		list[i].Selected = list[i].Value == current
		known = known || list[i].Selected
	}
	if !known {
		list = append(list, choice{Value: current, Title: current, Selected: true})
	}
	return list
}
