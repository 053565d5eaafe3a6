package engine_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pagerd/config"
	"pagerd/gateway/engine"
	"pagerd/gateway/page"
	"pagerd/gateway/store"
	"pagerd/gateway/store/memstore"
)

// damaged is a store in which one page that is due cannot be read. It ends the run after too many looks at what is due.
type damaged struct {
	store.Store
	number int64
	looks  int
	most   int
	end    func()
}

func (d *damaged) Page(ctx context.Context, n int64) (page.Page, error) {
	if n == d.number {
		return page.Page{}, fmt.Errorf("page %d: %w", n, store.ErrDamaged)
	}
	return d.Store.Page(ctx, n)
}

func (d *damaged) Due(ctx context.Context, now time.Time, limit int) ([]store.Due, error) {
	if d.looks++; d.looks > d.most {
		d.end()
	}
	return d.Store.Due(ctx, now, limit)
}

// TestWhatCannotBeFiredIsTriedAgainAtItsPace: what is due and damaged stays due. It must neither keep a core busy nor keep
// what is whole from its time.
func TestWhatCannotBeFiredIsTriedAgainAtItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, err := config.Parse("test.yaml", []byte(yaml), func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		whole := memstore.New()
		first, err := engine.New(t.Context(), engine.Options{Store: whole, Config: func() *config.Config { return cfg }})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Down", "Slow"} {
			if err := first.Accept(t.Context(), batch(name), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		st := &damaged{Store: whole, number: 1001, most: 10_000, end: stop}
		e, err := engine.New(t.Context(), engine.Options{Store: st, Config: func() *config.Config { return cfg }})
		if err != nil {
			t.Fatal(err)
		}
		sound, err := whole.Page(t.Context(), 1002)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { e.Run(ctx, time.Now); close(ended) }()
		select {
		case <-ended:
		case <-time.After(time.Until(sound.StepDue) + 10*time.Second):
			stop()
			<-ended
		}
		if st.looks > st.most {
			t.Errorf("it looked %d times", st.looks)
		}
		p, err := whole.Page(t.Context(), 1002)
		if err != nil || p.Step <= sound.Step || p.StepDue.IsZero() {
			t.Errorf("after %d looks the page that is whole is at step %d (%v)", st.looks, p.Step, err)
		}
	})
}

// TestWhatANewerPagerdMadeDueIsNoReasonToSpin: an older replica cannot fire it, and says so.
func TestWhatANewerPagerdMadeDueIsNoReasonToSpin(t *testing.T) {
	st := memstore.New()
	e, _ := setup(t, st)
	r := store.Record{Kind: store.Drill, Number: 1, Version: 1, Due: start(), Body: []byte("{}")}
	if err := st.Commit(t.Context(), store.Change{Now: start(), Records: []store.Record{r}}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Tick(t.Context(), start()); err == nil {
		t.Error("a tick that could not fire what is due says nothing, and would be made again at once")
	}
}
