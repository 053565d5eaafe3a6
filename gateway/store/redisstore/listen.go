package redisstore

import (
	"context"
	"time"
)

// hintEvery is how often what one replica commits wakes the others at most. A hint may be late or lost: the replica that
// committed does the work itself, and everybody looks at the clock once a second.
const hintEvery = 20 * time.Millisecond

// hint asks for the others to be woken.
func (s *Store) hint() {
	select {
	case s.hints <- struct{}{}:
	default:
	}
}

// speak wakes the others for what was committed.
func (s *Store) speak(ctx context.Context) {
	for {
		select {
		case <-s.hints:
		case <-ctx.Done():
			return
		}
		_, _ = s.ask(ctx, &command{args: []any{"publish", s.key("wake"), s.memory.id}})
		if pause(ctx, hintEvery) != nil {
			return
		}
	}
}

// listen is woken by the others.
func (s *Store) listen(ctx context.Context) {
	for ctx.Err() == nil {
		s.subscribe(ctx)
		if pause(ctx, time.Second) != nil {
			return
		}
	}
}

// subscribe hears hints until the connection breaks; they carry the name of who gives them, so that our own are known.
func (s *Store) subscribe(ctx context.Context) {
	sub := s.client.Subscribe(ctx, s.key("wake"))
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })() // receiving does not look at ctx
	for {
		m, err := sub.ReceiveMessage(ctx)
		if err != nil {
			return
		}
		if m.Payload != s.memory.id {
			s.signal()
		}
	}
}
