package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"pagerd/gateway/chaos/judge"
	"pagerd/gateway/chaos/rig"
)

// powerCuts takes the power from the machine with the embedded store again and again while alerts stream in.
func powerCuts(ctx context.Context, o options, r *result) error {
	w, err := cutPower(ctx, o, "power", o.using, o.many(o.cuts, 20, 2))
	if err != nil {
		return err
	}
	defer w.close() // what is left vanishes with the cell
	return w.conclude(r)
}

// unflushed cuts the power of a pagerd that answers before its flush to the disk, and expects the judge to find it out: it
// shows that these power cuts lose what was not flushed.
func unflushed(ctx context.Context, o options, r *result) error {
	binary := filepath.Join(o.dir, "pagerd-unflushed")
	if err := rig.Mutate(ctx, binary, []rig.Mutation{withoutFlush()}); err != nil {
		return err
	}
	var broken []string
	w, err := cutPower(ctx, o, "unflushed", binary, 2)
	switch {
	case errors.Is(err, errNotAgain):
		broken = []string{"it does not start on what is left"}
	case err != nil:
		return err
	default:
		defer w.close() // what is left vanishes with the cell
		v, err := w.finish(mutantSettle)
		if err != nil {
			return err
		}
		broken = v.Broken()
	}
	r.add("a pagerd that does not flush", "%s", or(strings.Join(broken, ", "), "was not found out"))
	if len(broken) == 0 {
		r.Wrong = append(r.Wrong, "a pagerd that does not flush passes")
	}
	return nil
}

func withoutFlush() rig.Mutation {
	return rig.Mutation{File: "gateway/store.go", Old: "boltstore.Options{Path:", New: "boltstore.Options{NoSync: true, Path:"}
}

// cutPower plays so many power cuts and returns the world as it goes on after them.
func cutPower(ctx context.Context, o options, name, binary string, cuts int) (w *world, err error) {
	random := rand.New(rand.NewPCG(o.seed, 3))
	dir := filepath.Join(o.dir, name)
	w, err = newWorld(ctx, setting{dir: dir, binary: binary, seed: o.seed, rate: o.rate(100), acks: 0.3, replicas: 1,
		store: fmt.Sprintf("{path: %q}", filepath.Join(dir, "disk", "pagerd.db")), host: "127.0.0.1"})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = w.close() // the first error is the one to tell
		}
	}()
	disk, err := rig.NewDisk(ctx, dir, "disk", 512)
	if err != nil {
		return nil, err
	}
	if err := w.start(); err != nil {
		return nil, err
	}
	w.stream()
	least := time.Second
	if o.short { // few cuts: let there be messages enough for the share of doubled ones to mean something
		least = 2 * time.Second
	}
	for range cuts {
		if !w.pause(between(random, least, least+2*time.Second)) {
			return nil, w.life.Err()
		}
		lives := time.Duration(random.IntN(300)) * time.Millisecond
		if err := w.play(judge.PowerCut, "r1", w.daemons[0].Number, func() error { return powerCut(w, disk, lives) }); err != nil {
			return nil, err
		}
	}
	w.pause(time.Second)
	return w, nil
}

// errNotAgain: a daemon does not start on what the power cut has left.
var errNotAgain = errors.New("it does not start again")

// powerCut takes the power away. The daemon lives on for a moment, so that a 2xx for what was not flushed would show; what it
// sends from then on reaches nobody, because a machine without power sends nothing.
func powerCut(w *world, disk *rig.Disk, lives time.Duration) error {
	dark := w.provider.Unplug()
	defer dark()
	if err := disk.Cut(w.life); err != nil {
		return err
	}
	w.pause(lives)
	w.daemons[0].Kill()
	dark()
	ctx, cancel := context.WithTimeout(w.life, startTime)
	defer cancel()
	if err := disk.Restore(ctx); err != nil {
		return err
	}
	if err := w.daemons[0].Start(ctx); err != nil {
		return fmt.Errorf("%w: %w\n%s", errNotAgain, err, tail(w.daemons[0].Log))
	}
	return nil
}
