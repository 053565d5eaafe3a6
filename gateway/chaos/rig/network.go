package rig

import (
	"context"
	"fmt"
)

// Network is a few machines, each a network namespace with two interfaces: one for the store among themselves, one to the
// world, where senders and the provider are. It must live inside a Cell with a network of its own.
type Network struct{ machines int }

// Addresses of the network; private, and inside the cell only.
const (
	World      = "10.77.2.254" // where the program itself is
	insideNet  = "10.77.1."
	outsideNet = "10.77.2."
)

// NewNetwork makes n machines, numbered from 1.
func NewNetwork(ctx context.Context, n int) (*Network, error) {
	w := &Network{machines: n}
	steps := [][]string{
		{"mount", "-t", "tmpfs", "tmpfs", "/run"}, // ip keeps the namespaces' names there
		{"ip", "link", "set", "lo", "up"},
		{"ip", "link", "add", "inside", "type", "bridge"},
		{"ip", "link", "add", "outside", "type", "bridge"},
		{"ip", "addr", "add", World + "/24", "dev", "outside"},
		{"ip", "addr", "add", insideNet + "254/24", "dev", "inside"}, // to ask the sentinels
		{"ip", "link", "set", "inside", "up"},
		{"ip", "link", "set", "outside", "up"},
	}
	for i := 1; i <= n; i++ {
		name := machine(i)
		steps = append(steps, []string{"ip", "netns", "add", name}, []string{"ip", "-n", name, "link", "set", "lo", "up"})
		for _, side := range []struct{ name, address string }{{"inside", w.Inside(i)}, {"outside", w.Outside(i)}} {
			end := port(side.name, i)
			steps = append(steps,
				[]string{"ip", "link", "add", end, "type", "veth", "peer", "name", side.name, "netns", name},
				[]string{"ip", "link", "set", end, "master", side.name, "up"},
				[]string{"ip", "-n", name, "addr", "add", side.address + "/24", "dev", side.name},
				[]string{"ip", "-n", name, "link", "set", side.name, "up"})
		}
	}
	for _, s := range steps {
		if err := Run(ctx, s...); err != nil {
			return nil, fmt.Errorf("%w: no network of its own: %w", ErrCannot, err)
		}
	}
	return w, nil
}

func machine(i int) string { return fmt.Sprintf("machine%d", i) }

// port is the bridge's end of a machine's interface; the kernel allows 15 characters.
func port(side string, i int) string { return fmt.Sprintf("%s%d", side, i) }

// Inside is the address of a machine among the others, Outside the one that the world uses.
func (*Network) Inside(i int) string { return fmt.Sprintf("%s%d", insideNet, i) }

// Outside is the address of a machine that the world uses.
func (*Network) Outside(i int) string { return fmt.Sprintf("%s%d", outsideNet, i) }

// On is what to put before a command that runs on a machine.
func (*Network) On(i int) []string { return []string{"ip", "netns", "exec", machine(i)} }

// Cut takes a machine away from the others; with whole also from the world.
func (w *Network) Cut(ctx context.Context, i int, whole bool) error {
	return w.link(ctx, i, whole, "down")
}

// Heal connects it again.
func (w *Network) Heal(ctx context.Context, i int) error { return w.link(ctx, i, true, "up") }

func (w *Network) link(ctx context.Context, i int, whole bool, state string) error {
	if err := Run(ctx, "ip", "link", "set", port("inside", i), state); err != nil || !whole {
		return err
	}
	return Run(ctx, "ip", "link", "set", port("outside", i), state)
}
