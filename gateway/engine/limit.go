package engine

import (
	"sync"
	"time"
)

// A number that answers our answers (an auto-reply) is answered this often in this long.
const (
	unknownAnswers = 3
	unknownWindow  = 10 * time.Minute
)

// replyLimit ends loops between two machines: it bounds the answers to texts that were not understood.
type replyLimit struct {
	mu sync.Mutex
	at map[string][]time.Time
}

func (l *replyLimit) init() { l.at = map[string][]time.Time{} }

func (l *replyLimit) allow(contact string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	var recent []time.Time
	for _, t := range l.at[contact] {
		if now.Sub(t) < unknownWindow {
			recent = append(recent, t)
		}
	}
	ok := len(recent) < unknownAnswers
	if ok {
		recent = append(recent, now)
	}
	l.at[contact] = recent
	return ok
}
