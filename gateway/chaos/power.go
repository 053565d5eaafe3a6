package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"pagerd/gateway/chaos/judge"
	"pagerd/gateway/chaos/rig"
)

// powerCuts takes the power from the machine with the embedded store again and again while alerts stream in.
func powerCuts(ctx context.Context, o options, r *result) error {
	cuts := o.many(o.cuts, 20, 2)
	random := rand.New(rand.NewPCG(o.seed, 3))
	dir := filepath.Join(o.dir, "power")
	w, err := newWorld(ctx, setting{dir: dir, binary: o.using, seed: o.seed, rate: o.rate(100), acks: 0.3, replicas: 1,
		store: fmt.Sprintf("{path: %q}", filepath.Join(dir, "disk", "pagerd.db")), host: "127.0.0.1"})
	if err != nil {
		return err
	}
	defer w.close() // what is left vanishes with the cell
	disk, err := rig.NewDisk(ctx, dir, "disk", 512)
	if err != nil {
		return err
	}
	if err := w.start(); err != nil {
		return err
	}
	w.stream()
	for range cuts {
		if !w.pause(time.Duration(300+random.IntN(2000)) * time.Millisecond) {
			return w.life.Err()
		}
		lives := time.Duration(random.IntN(300)) * time.Millisecond
		if err := w.play(judge.PowerCut, "r1", w.daemons[0].Number, func() error { return powerCut(w, disk, lives) }); err != nil {
			return err
		}
	}
	w.pause(time.Second)
	r.Verdict, err = w.finish(settleTime)
	return err
}

// powerCut takes the power away. The daemon lives on for a moment, so that a 2xx for what was not flushed would show.
func powerCut(w *world, disk *rig.Disk, lives time.Duration) error {
	if err := disk.Cut(w.life); err != nil {
		return err
	}
	w.pause(lives)
	w.daemons[0].Kill()
	ctx, cancel := context.WithTimeout(w.life, startTime)
	defer cancel()
	if err := disk.Restore(ctx); err != nil {
		return err
	}
	return w.daemons[0].Start(ctx)
}
