package main

import (
	"fmt"
	"io"
	"slices"

	"pagerd/gateway/api"
)

type statusCommand struct {
	remote
	format
}

func (c *statusCommand) Run(e *env) error {
	st, err := c.client().Status(e.ctx)
	if err != nil {
		return err
	}
	if err := c.print(e.out, st, func(w io.Writer) { showStatus(w, st) }); err != nil {
		return err
	}
	if !st.Accepting.Ready || !st.Paging.Ready {
		return &refusal{}
	}
	return nil
}

func showStatus(w io.Writer, st api.Status) {
	rows := [][]string{
		{"version", st.Version.Version},
		{"accepts alerts", yesOr(st.Accepting)},
		{"can page", yesOr(st.Paging)},
		{"open pages", fmt.Sprintf("%d ringing, %d acknowledged, %d silenced", st.Counts.Triggered, st.Counts.Acknowledged, st.Counts.Held)},
	}
	if st.Late >= 1 {
		rows = append(rows, []string{"oldest due work", fmt.Sprintf("waits %.0f s", st.Late)})
	}
	pairs(w, rows)
	for _, r := range append(st.Accepting.Reasons, st.Paging.Reasons...) {
		fmt.Fprintf(w, "! %s\n", safe(r))
	}
	for _, r := range st.Accepting.Warnings {
		if !slices.Contains(st.Paging.Reasons, r) {
			fmt.Fprintf(w, "! %s\n", safe(r))
		}
	}
	if st.Damaged != "" {
		fmt.Fprintf(w, "! cannot be read: %s\n", safe(st.Damaged))
	}
}

func yesOr(r api.Readiness) string {
	if r.Ready {
		return "yes"
	}
	return "NO"
}
