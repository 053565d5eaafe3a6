package main

import (
	"context"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"pagerd/gateway/chaos/judge"
	"pagerd/gateway/chaos/rig"
)

// drainLimit is how long a daemon may take to end after SIGTERM, whatever it is doing: as long as an attempt may take.
const drainLimit = 5 * time.Second

// replaced is the fault of exchanging one version for another.
const replaced = "restart"

// rolling exchanges three daemons one by one for the next version, and back, under load.
func rolling(ctx context.Context, o options, r *result) error {
	next := filepath.Join(o.dir, "pagerd-next")
	if err := rig.Build(ctx, next, "-tags", "nextschema", "-buildvcs=false"); err != nil {
		return err
	}
	w, _, err := sharing(ctx, o, "rolling", o.using, o.rate(60), 0.3)
	if err != nil {
		return err
	}
	defer w.close() // every process is killed; the logs that matter are closed by finish
	w.stream()
	older, err := w.schemas()
	if err != nil {
		return err
	}
	var drains []time.Duration
	w.provider.Fail()
	err = w.play(judge.Provider, "provider", "", func() error {
		defer w.provider.Heal()
		for range o.many(0, 3, 1) {
			if err := w.upgrade(next, older[0]+1, &drains); err != nil {
				return err
			}
			if err := w.exchange(o.using, &drains); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.pause(2 * time.Second)
	if err := w.conclude(r); err != nil {
		return err
	}
	var slowest time.Duration
	for _, d := range drains {
		slowest = max(slowest, d)
	}
	r.add("from SIGTERM to the end", "%s at most, %d times", brief(slowest), len(drains))
	if slowest > drainLimit {
		r.Wrong = append(r.Wrong, fmt.Sprintf("a daemon took %s to end after SIGTERM", brief(slowest)))
	}
	return nil
}

// upgrade exchanges all daemons for the next version, which writes format schema.
func (w *world) upgrade(binary string, schema int, drains *[]time.Duration) error {
	if err := w.exchange(binary, drains); err != nil {
		return err
	}
	newer, err := w.schemas()
	if err != nil {
		return err
	}
	for _, n := range newer {
		if n != schema {
			return fmt.Errorf("after the exchange the daemons write the formats %v, want %d", newer, schema)
		}
	}
	return nil
}

// exchange replaces each daemon's binary, one after the other.
func (w *world) exchange(binary string, drains *[]time.Duration) error {
	for _, d := range w.daemons {
		err := w.play(replaced, d.Name, d.Number, func() error {
			asked := time.Now()
			d.Signal(syscall.SIGTERM)
			<-d.Ended()
			*drains = append(*drains, time.Since(asked))
			if state := d.State(); state != "exit status 0" {
				return fmt.Errorf("it ended with %s\n%s", state, tail(d.Log))
			}
			d.Args[0] = binary
			ctx, cancel := context.WithTimeout(w.life, startTime)
			defer cancel()
			return d.Start(ctx)
		})
		if err != nil {
			return err
		}
		w.pause(time.Second)
	}
	return nil
}

// schemas are the newest stored formats that the daemons can write, each by its own word.
func (w *world) schemas() ([]int, error) {
	ctx, cancel := context.WithTimeout(w.life, startTime)
	defer cancel()
	var out []int
	for _, d := range w.daemons {
		var got struct {
			Newest int `json:"newest_schema"`
		}
		if err := d.Get(ctx, "/api/v1/store", &got); err != nil {
			return nil, err
		}
		out = append(out, got.Newest)
	}
	return out, nil
}
