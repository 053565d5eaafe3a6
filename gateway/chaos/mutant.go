package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"pagerd/gateway/chaos/judge"
	"pagerd/gateway/chaos/rig"
)

// mutant is a pagerd with a fault put into its source for one build, which the run must find.
type mutant struct {
	name      string
	acks      float64 // share of pages that somebody acknowledges in its run
	mutations []rig.Mutation
	found     func(v judge.Verdict) int // what gives it away
}

// mutants are those that the judge is tried on: a pagerd that says it sent and did not, and one that says it recorded and
// did not, each once in a hundred times.
func mutants() []mutant {
	return []mutant{
		{"drops every 100th send", 0.1, []rig.Mutation{
			{File: "gateway/engine/deliver.go",
				Old: "// reconcileSlack is how far",
				New: "var dropped atomic.Int64\n\n// reconcileSlack is how far"},
			{File: "gateway/engine/deliver.go",
				Old: "	return s.Send(ctx, n)\n",
				New: "	if dropped.Add(1)%100 == 0 {\n		return notify.Outcome{Certainty: notify.Sent, ProviderID: \"SM0\"}\n	}\n	return s.Send(ctx, n)\n"},
		}, func(v judge.Verdict) int { return v.Lost + v.Missed }},
		{"drops every 100th acknowledgement", 0.9, []rig.Mutation{
			{File: "gateway/engine/commit.go",
				Old: "	\"strconv\"\n",
				New: "	\"strconv\"\n	\"sync/atomic\"\n"},
			{File: "gateway/engine/commit.go",
				Old: "// performAct applies",
				New: "var dropped atomic.Int64\n\n// performAct applies"},
			{File: "gateway/engine/commit.go",
				Old: "		err = e.commitPage(ctx, c, prev.Status)\n		switch {\n",
				New: "		if _, ack := a.event.(page.Acknowledge); ack && dropped.Add(1)%100 == 0 {\n			return fx.Answer, nil\n		}\n		err = e.commitPage(ctx, c, prev.Status)\n		switch {\n"},
		}, func(v judge.Verdict) int { return v.Unrecorded + v.Doubled }},
	}
}

// Load of a mutant's run: each of the three replicas must send, and be acknowledged, more than a hundred times.
const (
	mutantRate = 100
	mutantTime = 7 * time.Second
	// mutantSettle is short: what a mutant loses never rings.
	mutantSettle = 3 * time.Second
)

// tryMutants runs the mutants as the replicas are run, with little else broken, and expects the judge to find each.
func tryMutants(ctx context.Context, o options, r *result) error {
	all := mutants()
	verdicts, errs := make([]judge.Verdict, len(all)), make([]error, len(all))
	var wg sync.WaitGroup
	for i, m := range all {
		wg.Go(func() {
			name := fmt.Sprintf("mutant%d", i+1)
			binary := filepath.Join(o.dir, "pagerd-"+name)
			if errs[i] = rig.Mutate(ctx, binary, m.mutations); errs[i] == nil {
				verdicts[i], errs[i] = tryMutant(ctx, o, binary, name, m.acks)
			}
		})
	}
	wg.Wait()
	for i, m := range all {
		r.add("a pagerd that "+m.name, "%s", or(strings.Join(verdicts[i].Broken(), ", "), "was not found out"))
		if errs[i] == nil && m.found(verdicts[i]) == 0 {
			r.Wrong = append(r.Wrong, fmt.Sprintf("a pagerd that %s passes", m.name))
		}
	}
	return errors.Join(errs...)
}

func tryMutant(ctx context.Context, o options, binary, name string, acks float64) (judge.Verdict, error) {
	w, _, err := sharing(ctx, o, name, binary, mutantRate, acks)
	if err != nil {
		return judge.Verdict{}, err
	}
	defer w.close() // every process is killed; the logs that matter are closed by finish
	w.stream()
	w.provider.Fail()
	w.pause(mutantTime)
	return w.finish(mutantSettle)
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
