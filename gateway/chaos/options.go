package main

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"
)

// options are the command line.
type options struct {
	parts []string
	must  []string
	short bool
	// How much of each kind; 0 = as the length of the run says.
	storms, cuts, partitions int

	seed  uint64
	json  bool
	keep  string
	using string // a binary that is there already
	cell  string // this process plays one part inside namespaces of its own
	dir   string // of the run's logs and binaries
}

func parse(args []string) (options, error) {
	var names []string
	for _, p := range parts() {
		names = append(names, p.name)
	}
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	only := f.String("parts", "all", "which parts to run: "+strings.Join(names, ","))
	must := f.String("must", "", "parts whose not running is a failure")
	o := options{}
	f.BoolVar(&o.short, "short", false, "every part once and briefly, for each change; else the long run")
	f.IntVar(&o.storms, "storms", 0, "storms of faults that the replicas go through; 0: 6, or one small one in a short run")
	f.IntVar(&o.cuts, "cuts", 0, "power cuts; 0: 20, or 2 in a short run")
	f.IntVar(&o.partitions, "partitions", 0, "partitions; 0: 3, or 1 in a short run")
	f.Uint64Var(&o.seed, "seed", 0, "decides the faults; 0: by the clock")
	f.BoolVar(&o.json, "json", false, "print the results as JSON on standard output")
	f.StringVar(&o.keep, "keep", "", "directory for the logs of the run; empty: a temporary one, kept only if the run fails")
	f.StringVar(&o.using, "binary", "", "pagerd binary to break; empty: build it from this module")
	f.StringVar(&o.cell, "cell", "", "for the program itself: play this part in the namespaces that it is in")
	f.Usage = func() {
		fmt.Fprintln(f.Output(), "chaos breaks a real pagerd on purpose and proves that nothing was lost.")
		f.PrintDefaults()
		fmt.Fprintln(f.Output(), "\nParts:")
		for _, p := range parts() {
			fmt.Fprintf(f.Output(), "  %-10s %s\n", p.name, p.about)
		}
	}
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.parts, o.must = names, split(*must)
	if *only != "all" {
		o.parts = split(*only)
	}
	for _, name := range slices.Concat(o.parts, o.must) {
		if !slices.Contains(names, name) {
			return o, misuse(f, "there is no part %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	for _, name := range o.must {
		if !slices.Contains(o.parts, name) {
			return o, misuse(f, "%q must run and is not among the parts to run", name)
		}
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano())
	}
	return o, nil
}

// misuse tells what is wrong with the command line, as flag does.
func misuse(f *flag.FlagSet, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	fmt.Fprintln(f.Output(), err)
	return err
}

func split(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// many is how often something is done: as asked for, else as long runs or short ones do it.
func (o options) many(asked, long, short int) int {
	switch {
	case asked > 0:
		return asked
	case o.short:
		return short
	}
	return long
}

// rate is how many new alerts a second there are: half as many in a short run, where parts share the cores.
func (o options) rate(long float64) float64 {
	if o.short {
		return long / 2
	}
	return long
}
