package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
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
	// master a replica of the old one, and what WAIT confirmed meanwhile is gone on all three. Only a journal of pagerd's own
	// could mend that: two fail-overs so close are two faults, see twice.
	beforeCut    = 12 * time.Second
	tooSoon      = 6 * time.Second
	machineCount = 3
)

// partitions cuts the master's machine off from the others: sentinels make another Redis the master while a daemon, and
// senders that reach it, are still on the old one's side.
func partitions(ctx context.Context, o options, r *result) error {
	w, slowest, err := failOvers(ctx, o, "sentinel", o.many(o.partitions, 3, 1), beforeCut)
	if err != nil {
		return err
	}
	defer w.close() // what is left vanishes with the cell
	if err := w.conclude(r); err != nil {
		return err
	}
	r.add("from the cut to the new master", "%s at most", brief(slowest))
	return nil
}

// twice lets fail-overs follow each other so soon that a sentinel may take back what WAIT confirmed. pagerd does not promise
// to keep it, but never to lose it in silence: the operators are rung.
func twice(ctx context.Context, o options, r *result) error {
	if o.short {
		r.NotRun = "only in the long run"
		return nil
	}
	w, _, err := failOvers(ctx, o, "twice", 3, tooSoon)
	if err != nil {
		return err
	}
	defer w.close() // what is left vanishes with the cell
	v, err := w.finish(settleTime)
	if err != nil {
		return err
	}
	rings, err := read[judge.Ring](w.rings)
	if err != nil {
		return err
	}
	told := slices.ContainsFunc(rings, func(r judge.Ring) bool {
		return r.Accepted && strings.HasPrefix(r.Body, "DEGRADED") && strings.Contains(r.Body, "gone")
	})
	r.add("fail-overs too soon after each other", "accepted %d, %s; the operators were told of a loss: %t", v.Accepted, or(strings.Join(v.Broken(), ", "), "nothing lost"), told)
	if v.Lost+v.Missed+v.Unrecorded > 0 && !told {
		r.Wrong = append(r.Wrong, "lost in silence: "+strings.Join(v.Broken(), ", "))
	}
	return nil
}

// failOvers plays so many partitions with a pause before each, and returns the world as it goes on after them, and how long
// the slowest fail-over took.
func failOvers(ctx context.Context, o options, name string, times int, before time.Duration) (w *world, slowest time.Duration, err error) {
	dir := filepath.Join(o.dir, name)
	network, err := rig.NewNetwork(ctx, machineCount)
	if err != nil {
		return nil, 0, err
	}
	starting, cancel := context.WithTimeout(ctx, wholeWithin)
	defer cancel()
	watched, err := rig.NewWatched(starting, dir, network)
	if err != nil {
		return nil, 0, err
	}
	w, err = newWorld(ctx, setting{dir: dir, binary: o.using, seed: o.seed, rate: o.rate(60), acks: 0.3, replicas: machineCount,
		store: fmt.Sprintf("{redis: {addresses: [%s], master: %s, wait: 1}}", quoted(watched.Addresses()), rig.MasterName), host: rig.World,
		place: func(n int) (public, ops string, wrap []string) {
			return net.JoinHostPort(network.Outside(n), "8080"), net.JoinHostPort(network.Outside(n), "8081"), network.On(n)
		}})
	if err != nil {
		watched.Kill()
		return nil, 0, err
	}
	w.undo.Add("redis and its sentinels", func() error { watched.Kill(); return nil })
	defer func() {
		if err != nil {
			_ = w.close() // the first error is the one to tell
		}
	}()
	if err := w.start(); err != nil {
		return nil, 0, err
	}
	w.stream()
	for i := range times {
		if i == 0 {
			w.pause(beforeCut / 2) // there was no fail-over before
		} else {
			w.pause(before)
		}
		took, err := w.cut(network, watched, i%2 == 1, i+1 < times)
		if err != nil {
			return nil, 0, err
		}
		slowest = max(slowest, took)
	}
	return w, slowest, nil
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
