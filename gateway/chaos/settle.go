package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"

	"pagerd/gateway/chaos/crowd"
	"pagerd/gateway/chaos/judge"
)

// The logs of a run, in its directory.
const (
	postsFile  = "posts.jsonl"
	ringsFile  = "rings.jsonl"
	faultsFile = "faults.jsonl"
	acksFile   = "acks.jsonl"
)

// conclude finishes the run with time enough for everything, and notes what it came to.
func (w *world) conclude(r *result) (err error) {
	r.Verdict, err = w.finish(settleTime)
	r.add("the machine meanwhile", "%s", &w.pulse)
	return err
}

// finish lets the run come to rest and gives the verdict. patience is how long what is accepted may still take to ring.
func (w *world) finish(patience time.Duration) (judge.Verdict, error) {
	w.provider.Heal()
	w.stopPosts()
	if !w.rest(patience, w.senders.Wait) {
		return judge.Verdict{}, fmt.Errorf("%s after the last fault some alerts are still not accepted: see %s", patience, w.path(postsFile))
	}
	if !w.pause(stepTime + time.Second) {
		return judge.Verdict{}, w.life.Err()
	}
	for deadline := time.Now().Add(patience); ; {
		v, err := w.verdict()
		if err != nil {
			return v, err
		}
		if v.Lost+v.Missed == 0 || time.Now().After(deadline) || !w.pause(2*time.Second) {
			break
		}
	}
	w.stopReads()
	if !w.rest(patience, w.people.Wait) {
		return judge.Verdict{}, fmt.Errorf("%s after the last fault somebody's reply is still not answered: see %s", patience, w.path(ringsFile))
	}
	if err := w.audit(); err != nil {
		return judge.Verdict{}, err
	}
	if err := w.provider.Sim.LogErr(); err != nil {
		return judge.Verdict{}, err
	}
	return w.verdict()
}

// rest waits for something to end, and reports whether it did in time.
func (*world) rest(patience time.Duration, wait func()) bool {
	done := make(chan struct{})
	go func() { wait(); close(done) }() // ends with the world's life at the latest
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// verdict reads the logs as they are now.
func (w *world) verdict() (judge.Verdict, error) {
	var e judge.Evidence
	var err error
	if e.Posts, err = read[judge.Post](w.posts); err != nil {
		return judge.Verdict{}, err
	}
	if e.Rings, err = read[judge.Ring](w.rings); err != nil {
		return judge.Verdict{}, err
	}
	if e.Faults, err = read[judge.Fault](w.faults); err != nil {
		return judge.Verdict{}, err
	}
	if e.Acks, err = read[judge.Ack](w.acknowledged); err != nil {
		return judge.Verdict{}, err
	}
	return judge.Judge(e, judge.Rules{Step: w.town.Step, Patience: ringWithin}), nil
}

func read[T any](l *crowd.Log) ([]T, error) {
	r, err := l.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close() // only read from
	return judge.Read[T](r)
}

var repliedTo = regexp.MustCompile(`\d{4,}`)

// auditors read timelines at the same time: as many as keep the machine busy.
const auditors = 8

// audit writes down what the timelines say of every page that somebody replied to.
func (w *world) audit() error {
	rings, err := read[judge.Ring](w.rings)
	if err != nil {
		return err
	}
	pages := map[int64]bool{}
	for _, r := range rings {
		if n, err := strconv.ParseInt(repliedTo.FindString(r.Body), 10, 64); err == nil && r.Kind == "inbound" {
			pages[n] = true
		}
	}
	todo := make(chan int64)
	var wg sync.WaitGroup
	for range auditors {
		wg.Go(func() {
			for n := range todo {
				for _, a := range w.timeline(n) {
					w.acknowledged.Add(a)
				}
			}
		})
	}
	for n := range pages {
		todo <- n
	}
	close(todo)
	wg.Wait()
	return nil
}

// timeline asks the replicas, one after the other, for a page's acknowledgements.
func (w *world) timeline(n int64) []judge.Ack {
	var failed error
	for i := range w.daemons {
		var got struct {
			Timeline []struct {
				At    time.Time         `json:"at"`
				What  string            `json:"what"`
				Actor string            `json:"actor"`
				Facts map[string]string `json:"facts"`
			} `json:"timeline"`
		}
		d := w.daemons[(int(n)+i)%len(w.daemons)]
		ctx, cancel := context.WithTimeout(w.life, 5*time.Second)
		failed = d.Get(ctx, fmt.Sprintf("/api/v1/pages/%d", n), &got)
		cancel()
		if failed != nil {
			continue
		}
		var acks []judge.Ack
		for _, e := range got.Timeline {
			if e.What == "acknowledged" {
				acks = append(acks, judge.Ack{Page: n, Round: e.Facts["round"], By: e.Actor, At: e.At})
			}
		}
		return acks
	}
	return []judge.Ack{{Page: n, Unread: failed.Error()}}
}
