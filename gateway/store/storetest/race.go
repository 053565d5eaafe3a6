package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"pagerd/gateway/page"
	"pagerd/gateway/store"
)

// racers is how many goroutines race: more than any machine of ours has cores.
const racers = 32

// race runs f from many goroutines at once and returns what they came to.
func race(f func(i int) error) []error {
	var wait sync.WaitGroup
	start, errs := make(chan struct{}), make([]error, racers)
	for i := range racers {
		wait.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wait.Wait()
	return errs
}

// winners counts the racers that won; everybody else must have got want.
func winners(t *testing.T, errs []error, want error) int {
	t.Helper()
	n := 0
	for _, err := range errs {
		switch {
		case err == nil:
			n++
		case !errors.Is(err, want):
			t.Errorf("a loser got %v, want: %v", err, want)
		}
	}
	return n
}

func raceForAGroupMakesOnePage(t *testing.T, h Harness) {
	ctx := context.Background()
	for range 5 {
		errs := race(func(int) error {
			n, err := h.Store.NextNumber(ctx)
			if err != nil {
				return err
			}
			p := newPage(n, "g")
			return h.Store.Commit(ctx, store.Change{Now: at(0), Page: &p})
		})
		if n := winners(t, errs, store.ErrConflict); n != 1 {
			t.Fatalf("%d pages were made for one group", n)
		}
		open := must[[]page.Page](t)(h.Store.Pages(ctx, store.Filter{Open: true}))
		if len(open) != 1 {
			t.Fatalf("%d open pages", len(open))
		}
		p := open[0]
		p.Version, p.Status, p.Due = 2, page.Resolved, at(0)
		commit(t, h.Store, store.Change{Page: &p})
	}
}

func raceForAVersionHasOneWinner(t *testing.T, h Harness) {
	p := newPage(1001, "g")
	commit(t, h.Store, store.Change{Page: &p})
	errs := race(func(i int) error {
		p := newPage(1001, "g")
		p.Version, p.Step = 2, i
		return h.Store.Commit(context.Background(), store.Change{Now: at(0), Page: &p})
	})
	if n := winners(t, errs, store.ErrConflict); n != 1 {
		t.Fatalf("version 2 was stored %d times", n)
	}
	p = must[page.Page](t)(h.Store.Page(context.Background(), 1001))
	if errs[p.Step] != nil {
		t.Errorf("what is stored was committed by one that lost: %v", errs[p.Step])
	}
}

func raceForADeliveryHasOneWinner(t *testing.T, h Harness) {
	commit(t, h.Store, store.Change{Deliveries: []store.Delivery{newDelivery(1001, 1, "ana/sms", 1), newDelivery(1001, 2, "ana/sms", 2), newDelivery(1002, 1, "ana/sms", 2)}})
	var mu sync.Mutex
	taken := map[string]int{}
	errs := race(func(int) error {
		claims, err := h.Store.Claim(context.Background(), at(0), options())
		mu.Lock()
		defer mu.Unlock()
		for _, c := range claims {
			for _, d := range c.Deliveries {
				taken[d.ID]++
			}
		}
		return err
	})
	winners(t, errs, nil)
	same(t, "claims of each delivery", taken, map[string]int{"1001-1": 1, "1001-2": 1, "1002-1": 1})
}
