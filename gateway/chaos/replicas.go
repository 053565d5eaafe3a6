package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"pagerd/gateway/chaos/judge"
	"pagerd/gateway/chaos/rig"
)

// storm is how many faults of each kind come between two times of calm.
type storm struct {
	kills, pauses, redisKills int
}

// Times of the storms, drawn evenly between the two.
const (
	killEveryLeast, killEveryMost   = 400 * time.Millisecond, 1100 * time.Millisecond
	deadLeast, deadMost             = 100 * time.Millisecond, 600 * time.Millisecond
	pauseEveryLeast, pauseEveryMost = 4 * time.Second, 8 * time.Second
	pausedLeast, pausedMost         = 2 * time.Second, 6 * time.Second
	redisEveryLeast, redisEveryMost = 4 * time.Second, 9 * time.Second
	redisDeadLeast, redisDeadMost   = 200 * time.Millisecond, 1500 * time.Millisecond
	calm                            = 12 * time.Second // between storms; its first 5 s are recovery
)

// replicas is three daemons with one Redis: daemons are killed and paused, Redis is killed, the provider fails.
func replicas(ctx context.Context, o options, r *result) error {
	storms, each := o.many(o.storms, 6, 1), storm{kills: 35, pauses: 4, redisKills: 6}
	if o.short && o.storms == 0 {
		each = storm{kills: 5, pauses: 1, redisKills: 1}
	}
	w, redis, err := sharing(ctx, o, "replicas", o.using, o.rate(60), 0.3)
	if err != nil {
		return err
	}
	defer w.close() // every process is killed; the logs that matter are closed by finish
	w.stream()
	w.pause(calm / 2)
	for i := range storms {
		say("replicas: storm %d of %d", i+1, storms)
		w.provider.Fail()
		if err := w.play(judge.Provider, "provider", "", func() error {
			defer w.provider.Heal()
			return w.rage(each, redis, uint64(i))
		}); err != nil {
			return err
		}
		w.pause(calm)
	}
	if err := w.conclude(r); err != nil {
		return err
	}
	ends := 0
	for _, d := range w.daemons {
		ends += d.Ends()
	}
	r.add("daemons that ended by themselves while starting", "%d", ends)
	return nil
}

// sharing is a world of three replicas and their Redis, all running.
func sharing(ctx context.Context, o options, name, binary string, rate, acks float64) (*world, *rig.Redis, error) {
	dir := filepath.Join(o.dir, name)
	address, err := rig.FreeAddress("127.0.0.1")
	if err != nil {
		return nil, nil, err
	}
	redis, err := rig.NewRedis("redis", filepath.Join(dir, "redis"), address)
	if err != nil {
		return nil, nil, err
	}
	w, err := newWorld(ctx, setting{dir: dir, binary: binary, seed: o.seed, rate: rate, acks: acks, replicas: 3,
		store: fmt.Sprintf("{redis: {addresses: [%q]}}", address), host: "127.0.0.1"})
	if err != nil {
		return nil, nil, err
	}
	w.undo.Add("redis", func() error { redis.Kill(); return nil })
	starting, cancel := context.WithTimeout(w.life, startTime)
	defer cancel()
	if err = redis.Start(starting); err == nil {
		err = w.start()
	}
	if err != nil {
		return nil, nil, errors.Join(err, w.close())
	}
	return w, redis, nil
}

// rage plays one storm: killer, pauser and the one who kills Redis work at the same time.
func (w *world) rage(s storm, redis *rig.Redis, n uint64) error {
	fate := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(w.seed+n, stream)) }
	var wg sync.WaitGroup
	errs := make([]error, 3)
	wg.Go(func() { errs[0] = w.kill(s.kills, fate(10)) })
	wg.Go(func() { errs[1] = w.stop(s.pauses, fate(11)) })
	wg.Go(func() { errs[2] = w.killRedis(s.redisKills, redis, fate(12)) })
	wg.Wait()
	return errors.Join(errs...)
}

// kill kills a replica again and again, while another one lives.
func (w *world) kill(times int, random *rand.Rand) error {
	for range times {
		if !w.pause(between(random, killEveryLeast, killEveryMost)) {
			return w.life.Err()
		}
		d := w.victim(random)
		err := w.play(judge.Kill, d.Name, d.Number, func() error {
			d.Kill()
			w.pause(between(random, deadLeast, deadMost))
			ctx, cancel := context.WithTimeout(w.life, startTime)
			defer cancel()
			return d.Start(ctx)
		})
		if err != nil {
			return fmt.Errorf("%w\n%s", err, tail(d.Log))
		}
	}
	return nil
}

// victim draws a replica that runs; the killer is the only one who kills, so that the others live.
func (w *world) victim(random *rand.Rand) *rig.Daemon {
	for {
		if d := w.daemons[random.IntN(len(w.daemons))]; d.Up() {
			return d
		}
	}
}

// stop makes a replica a zombie: it sleeps and wakes with what it had claimed long ago.
func (w *world) stop(times int, random *rand.Rand) error {
	for range times {
		if !w.pause(between(random, pauseEveryLeast, pauseEveryMost)) {
			return w.life.Err()
		}
		d := w.victim(random)
		err := w.play(judge.Pause, d.Name, d.Number, func() error {
			d.Signal(syscall.SIGSTOP)
			w.pause(between(random, pausedLeast, pausedMost))
			d.Signal(syscall.SIGCONT)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) killRedis(times int, redis *rig.Redis, random *rand.Rand) error {
	for range times {
		if !w.pause(between(random, redisEveryLeast, redisEveryMost)) {
			return w.life.Err()
		}
		err := w.play(judge.RedisKill, redis.Name, "", func() error {
			redis.Kill()
			w.pause(between(random, redisDeadLeast, redisDeadMost))
			ctx, cancel := context.WithTimeout(w.life, startTime)
			defer cancel()
			return redis.Start(ctx)
		})
		if err != nil {
			return fmt.Errorf("%w\n%s", err, tail(redis.Log))
		}
	}
	return nil
}

func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(random.Int64N(int64(most-least)))
}
