package redisstore

import (
	"context"
	"strings"
	"time"
)

// hearEvery is how often what other replicas commit wakes this one at most. The hint may be late or lost: the replica that
// committed does the work itself, and everybody looks at the clock once a second.
const hearEvery = 20 * time.Millisecond

// listen wakes the store when another replica commits something due or to send.
func (s *Store) listen(ctx context.Context) {
	heard := make(chan struct{}, 1)
	s.ended.Go(func() {
		for {
			select {
			case <-heard:
				s.signal()
			case <-ctx.Done():
				return
			}
			if pause(ctx, hearEvery) != nil {
				return
			}
		}
	})
	for ctx.Err() == nil {
		s.subscribe(ctx, heard)
		if pause(ctx, time.Second) != nil {
			return
		}
	}
}

// subscribe hears hints until the connection breaks; they carry the nonce of the change, so that our own are known.
func (s *Store) subscribe(ctx context.Context, heard chan<- struct{}) {
	sub := s.client.Subscribe(ctx, s.key("wake"))
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })() // receiving does not look at ctx
	for {
		m, err := sub.ReceiveMessage(ctx)
		if err != nil {
			return
		}
		if strings.HasPrefix(m.Payload, s.memory.id) {
			continue
		}
		select {
		case heard <- struct{}{}:
		default:
		}
	}
}
