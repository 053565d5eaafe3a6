// Command simulate plays many worlds of package sim.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"pagerd/gateway/sim"
)

func main() {
	seeds := flag.Int("seeds", 200, "how many")
	first := flag.Uint64("seed", 1, "first")
	tell := flag.Bool("tell", false, "")
	races := flag.Bool("races", false, "")
	flag.Parse()
	debug.SetGCPercent(400)
	var total sim.Tally
	begin := time.Now()
	bad := 0
	for i := range *seeds {
		r, err := sim.Play(sim.Options{Seed: *first + uint64(i), Backend: sim.Memory(), Tell: *tell, Races: *races})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		total.Add(r.Tally)
		if *tell {
			fmt.Print(r.Story())
		}
		if r.Broken != nil {
			bad++
			fmt.Printf("seed %d: %+v\n", r.Seed, *r.Broken)
		}
	}
	t := time.Since(begin)
	fmt.Print(total.String())
	fmt.Printf("%d events, %d calls, %s, %.0f events/s, %d bad\n", total.Events, total.Calls, t, float64(total.Events)/t.Seconds(), bad)
}
