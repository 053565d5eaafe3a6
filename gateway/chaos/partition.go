package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"pagerd/gateway/chaos/judge"
	"pagerd/gateway/chaos/rig"
)

// Times of a partition. It outlasts a fail-over, which takes about 4 s, by long enough for the old master's side to do harm.
const (
	cutFor      = 12 * time.Second
	wholeWithin = 60 * time.Second
	// beforeCut is healthy time with every Redis in its place. It is longer than the 10 s after which a sentinel asks each Redis
	// again for its role: one that is cut off before it has heard of the last fail-over may, on its return, make the present
	// master a replica of the old one, and what WAIT confirmed meanwhile is gone on all three. pagerd notices that and rings
	// the operators, but only a journal of its own could mend it: two fail-overs so close are two faults.
	beforeCut    = 12 * time.Second
	machineCount = 3
)

// partitions cuts the master's machine off from the others: sentinels make another Redis the master while a daemon, and
// senders that reach it, are still on the old one's side.
func partitions(ctx context.Context, o options, r *result) error {
	dir := filepath.Join(o.dir, "sentinel")
	network, err := rig.NewNetwork(ctx, machineCount)
	if err != nil {
		return err
	}
	starting, cancel := context.WithTimeout(ctx, wholeWithin)
	defer cancel()
	watched, err := rig.NewWatched(starting, dir, network)
	if err != nil {
		return err
	}
	defer watched.Kill()
	w, err := newWorld(ctx, setting{dir: dir, binary: o.using, seed: o.seed, rate: o.rate(60), acks: 0.3, replicas: machineCount,
		store: fmt.Sprintf("{redis: {addresses: [%s], master: %s, wait: 1}}", quoted(watched.Addresses()), rig.MasterName), host: rig.World,
		place: func(n int) (public, ops string, wrap []string) {
			return net.JoinHostPort(network.Outside(n), "8080"), net.JoinHostPort(network.Outside(n), "8081"), network.On(n)
		}})
	if err != nil {
		return err
	}
	defer w.close() // what is left vanishes with the cell
	if err := w.start(); err != nil {
		return err
	}
	w.stream()
	var slowest time.Duration
	times := o.many(o.partitions, 3, 1)
	for i := range times {
		if i == 0 {
			w.pause(beforeCut / 2) // there was no fail-over before
		} else {
			w.pause(beforeCut)
		}
		took, err := w.cut(network, watched, i%2 == 1, i+1 < times)
		if err != nil {
			return err
		}
		slowest = max(slowest, took)
	}
	if err := w.conclude(r); err != nil {
		return err
	}
	r.add("from the cut to the new master", "%s at most", brief(slowest))
	return nil
}

// cut cuts the master's machine off for a while; with whole also from senders and the provider. It returns how long the
// sentinels took. With mend the partition is over only when every Redis is back in its place.
func (w *world) cut(network *rig.Network, watched *rig.Watched, whole, mend bool) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(w.life, cutFor+wholeWithin)
	defer cancel()
	old, err := watched.Master(0)
	if err != nil {
		return 0, err
	}
	var took time.Duration
	err = w.play(judge.Partition, fmt.Sprintf("machine%d", old), w.daemons[old-1].Number, func() error {
		began := time.Now()
		if err := network.Cut(ctx, old, whole); err != nil {
			return err
		}
		_, failed := watched.UntilFailedOver(ctx, old)
		took = time.Since(began)
		if failed == nil {
			w.pause(cutFor - took)
		}
		if err := network.Heal(ctx, old); err != nil || failed != nil || !mend {
			return errors.Join(failed, err)
		}
		return watched.UntilWhole(ctx)
	})
	return took, err
}

func quoted(list []string) string {
	var out []string
	for _, s := range list {
		out = append(out, fmt.Sprintf("%q", s))
	}
	return strings.Join(out, ", ")
}
