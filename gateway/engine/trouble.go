package engine

import (
	"context"
	"sync"

	"go.uber.org/zap"
)

// trouble remembers which work of the loop fails, so that an outage is one line when it begins and one when it ends, and not
// one for every time that something is tried again.
type trouble struct {
	mu      sync.Mutex
	failing map[string]bool
}

// note takes what work came to.
func (t *trouble) note(ctx context.Context, log *zap.Logger, work string, err error) {
	if ctx.Err() != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch was := t.failing[work]; {
	case err != nil && !was:
		if t.failing == nil {
			t.failing = map[string]bool{}
		}
		t.failing[work] = true
		log.Error("it fails and is tried again", zap.String("work", work), zap.Error(err))
	case err == nil && was:
		delete(t.failing, work)
		log.Info("it works again", zap.String("work", work))
	}
}
