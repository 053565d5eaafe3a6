package engine

import (
	"errors"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestAnOutageIsOneLineAtItsBeginningAndOneAtItsEnd(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	var tr trouble
	gone := errors.New("gone")
	for _, err := range []error{nil, gone, gone, gone, nil, nil, gone} {
		tr.note(t.Context(), zap.New(core), "claims", err)
	}
	var lines []string
	for _, l := range logs.All() {
		lines = append(lines, l.Message)
	}
	if len(lines) != 3 || lines[0] != "it fails and is tried again" || lines[1] != "it works again" || lines[2] != lines[0] {
		t.Errorf("lines %q", lines)
	}
}
