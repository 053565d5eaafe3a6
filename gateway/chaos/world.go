package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"pagerd/gateway/chaos/crowd"
	"pagerd/gateway/chaos/judge"
	"pagerd/gateway/chaos/rig"
	"pagerd/notify/email/mailsink"
)

// setting is what a world is made of.
type setting struct {
	dir      string // its own, for logs and configurations
	binary   string
	seed     uint64
	rate     float64 // new alerts a second
	acks     float64 // share of the pages that somebody acknowledges
	replicas int
	store    string // value of "store" in the configuration
	host     string // where the provider, the balancer and the mail server listen
	// place says where the n-th replica listens and what to put before its command; nil = on free ports of host.
	place func(n int) (public, ops string, wrap []string)
}

// Times of every run.
const (
	teams    = 24
	stepTime = 4 * time.Second
	// ringWithin is how late a ring may be at most while alerts come and go: an outage of Redis or of a replica, the lease
	// after it, and some retries.
	ringWithin = 20 * time.Second
	// settleTime is how long everything that is accepted may take to ring once the faults are over and the last step is
	// due: a retry waits at most 30 s (engine's backoff).
	settleTime = 45 * time.Second
)

// world is a running town with its pagerd: daemons, senders, people, provider, and the logs of all that happens.
type world struct {
	setting
	town     crowd.Town
	provider *crowd.Provider
	balancer *crowd.Balancer
	daemons  []*rig.Daemon
	senders  *crowd.Senders
	people   *crowd.People

	posts, rings, faults, acknowledged *crowd.Log
	pulse                              pulse

	life      context.Context // ends when the world is closed
	end       context.CancelFunc
	stopPosts context.CancelFunc
	stopReads context.CancelFunc
	undo      rig.Undo
}

// newWorld makes everything but starts no daemon and no sender. Close it.
func newWorld(ctx context.Context, s setting) (w *world, err error) {
	w = &world{setting: s, town: crowd.Town{Teams: teams, Step: stepTime}}
	w.life, w.end = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			_ = w.close() // the first error is the one to tell
		}
	}()
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the run's directory: %w", err)
	}
	for _, l := range []struct {
		to   **crowd.Log
		name string
	}{{&w.posts, postsFile}, {&w.rings, ringsFile}, {&w.faults, faultsFile}, {&w.acknowledged, acksFile}} {
		if *l.to, err = crowd.Create(w.path(l.name)); err != nil {
			return nil, err
		}
		w.undo.Add("log", (*l.to).Close)
	}
	w.provider = crowd.NewProvider(w.rings, s.seed)
	w.undo.Add("provider", w.provider.Close)
	mail, err := w.mail()
	if err != nil {
		return nil, err
	}
	if err := w.makeDaemons(mail); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) mail() (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(w.host, "0"))
	if err != nil {
		return "", fmt.Errorf("open the mail server: %w", err)
	}
	sink := mailsink.New(l, mailsink.Options{MaxMessages: 100})
	w.undo.Add("mail server", sink.Close)
	return l.Addr().String(), nil
}

// makeDaemons writes the configurations, and opens the balancer and the provider's doors.
func (w *world) makeDaemons(mail string) error {
	var replicas []crowd.Replica
	var wraps [][]string
	for n := 1; n <= w.replicas; n++ {
		r, wrap := crowd.Replica{}, []string(nil)
		if w.replicas > 1 {
			r.Name = fmt.Sprintf("r%d", n)
		}
		var err error
		if w.place != nil {
			r.Public, r.Ops, wrap = w.place(n)
		} else if r.Public, err = rig.FreeAddress(w.host); err != nil {
			return err
		} else if r.Ops, err = rig.FreeAddress(w.host); err != nil {
			return err
		}
		replicas, wraps = append(replicas, r), append(wraps, wrap)
	}
	var err error
	if w.balancer, err = crowd.NewBalancer(w.host, replicas); err != nil {
		return err
	}
	w.undo.Add("balancer", w.balancer.Close)
	w.provider.Sim.SetSMSURL(w.balancer.URL + "/twilio/sms")
	for i, r := range replicas {
		name := fmt.Sprintf("r%d", i+1)
		file := w.path(name + ".yaml")
		if err := os.WriteFile(file, []byte(w.town.Configuration(r, w.balancer.URL, w.store, mail)), 0o600); err != nil {
			return fmt.Errorf("write a configuration: %w", err)
		}
		door, err := w.provider.Door(i+1, w.host)
		if err != nil {
			return err
		}
		d := rig.NewDaemon(name, w.binary, file, w.path(name+".log"), door)
		d.Public, d.Ops, d.Number, d.Token, d.Wrap = r.Public, r.Ops, crowd.Number(i+1), crowd.APIToken, wraps[i]
		w.daemons = append(w.daemons, d)
		w.undo.Add(name, func() error { d.Kill(); return nil })
	}
	w.senders = &crowd.Senders{Town: w.town, Replicas: replicas, Rate: w.rate, Log: w.posts, Seed: w.seed, Count: 6}
	w.people = &crowd.People{Provider: w.provider, Share: w.acks, Seed: w.seed}
	return nil
}

// startTime is how long a daemon may take to be ready.
const startTime = 30 * time.Second

// start runs all daemons.
func (w *world) start() error {
	ctx, cancel := context.WithTimeout(w.life, startTime)
	defer cancel()
	for _, d := range w.daemons {
		if err := d.Start(ctx); err != nil {
			return fmt.Errorf("%w\n%s", err, tail(d.Log))
		}
	}
	return nil
}

// stream lets the alerts come and the people answer.
func (w *world) stream() {
	var posting, reading context.Context
	posting, w.stopPosts = context.WithCancel(w.life)
	reading, w.stopReads = context.WithCancel(w.life)
	w.undo.Add("pulse", w.feel())
	w.undo.Add("senders", func() error { w.end(); w.senders.Wait(); w.people.Wait(); return nil })
	w.senders.Stream(posting, w.life)
	w.people.Read(reading, w.life, w.town.Step)
}

// feel measures the machine until the returned func is called, which ends with the world's life.
func (w *world) feel() func() error {
	failed := make(chan error, 1)
	go func() { failed <- w.pulse.take(w.life, w.path("pulse")) }()
	return func() error { return <-failed }
}

// play plays a fault and writes it down: do breaks something and returns when it works again.
func (w *world) play(kind, target, number string, do func() error) error {
	f := judge.Fault{Kind: kind, Target: target, Number: number, From: time.Now()}
	err := do()
	f.To = time.Now()
	w.faults.Add(f)
	if err != nil {
		return fmt.Errorf("%s of %s: %w", kind, target, err)
	}
	return nil
}

// close ends everything, the newest first.
func (w *world) close() error {
	w.end()
	return w.undo.All()
}

// pause waits, but not longer than the world lives.
func (w *world) pause(d time.Duration) bool { return pause(w.life, d) }

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// tail is the end of a log, for an error's words.
func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-1500):])
}
