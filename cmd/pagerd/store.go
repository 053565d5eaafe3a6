package main

import (
	"fmt"
	"io"
	"strconv"

	"pagerd/gateway/api"
)

type storeCommand struct {
	Status  storeStatus  `cmd:"" help:"Say how the store is, what its settings can lose, and which replicas share it; exit 1 when it is not ready."`
	Upgrade storeUpgrade `cmd:"" help:"Raise the stored format after every replica was upgraded; an older pagerd refuses the store afterwards."`
}

type storeStatus struct {
	remote
	format
}

func (c *storeStatus) Run(e *env) error {
	st, err := c.client().Store(e.ctx)
	if err != nil {
		return err
	}
	if err := c.print(e.out, st, func(w io.Writer) { showStore(w, st) }); err != nil {
		return err
	}
	if !st.Ready {
		return &refusal{}
	}
	return nil
}

type storeUpgrade struct {
	remote
	format
}

func (c *storeUpgrade) Run(e *env) error {
	st, err := c.client().UpgradeStore(e.ctx)
	if err != nil {
		return err
	}
	return c.print(e.out, st, func(w io.Writer) { fmt.Fprintf(w, "the stored format is %d\n", st.Schema) })
}

func showStore(w io.Writer, st api.StoreInfo) {
	ready := "yes"
	if !st.Ready {
		ready = "NO"
	}
	rows := [][]string{{"store", st.Kind}, {"ready", ready}, {"durability", st.Durability}}
	if st.Kind == "redis" {
		stored := "unknown"
		if st.Schema != 0 {
			stored = strconv.Itoa(st.Schema)
		}
		rows = append(rows, []string{"format", fmt.Sprintf("%s; this replica writes up to %d", stored, st.Newest)})
	}
	pairs(w, rows)
	for _, line := range []string{st.Reason, st.Hold, st.Compared} {
		if line != "" {
			fmt.Fprintf(w, "! %s\n", safe(line))
		}
	}
	for _, f := range st.Findings {
		fmt.Fprintf(w, "! %s is %s, not %s: %s\n", safe(f.Setting), safe(f.Found), safe(f.Want), safe(f.Loses))
	}
	if st.Skewed {
		fmt.Fprintln(w, "! replicas run with different configurations")
	}
	if len(st.Replicas) == 0 {
		return
	}
	out := [][]string{{"REPLICA", "VERSION", "FORMAT", "CLOCK", "SEEN", "CONFIGURATION"}}
	for _, r := range st.Replicas {
		out = append(out, []string{safe(r.Name), safe(r.Version), strconv.Itoa(r.Schema), fmt.Sprintf("%+.3fs", r.Offset), stamp(r.SeenAt), safe(r.Config)})
	}
	fmt.Fprintln(w)
	table(w, out)
}
