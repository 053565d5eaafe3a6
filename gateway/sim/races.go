package sim

import "time"

// races makes the weather of a world of acknowledgements that race, and returns how long it takes.
func (w *weather) races() time.Duration {
	*w = weather{on: map[Feature]bool{Interleave: true, Rivals: true, Network: true, Crash: true, Acts: true, Replies: true, Peers: true}}
	w.interleave, w.rival, w.lost, w.answerLost, w.crash = 0.2, 0.3, 0.002, 0.005, 0.0005
	w.answers = 0.5
	return 20 * time.Minute
}

// throwRaces plans rushes of acknowledgements to the same pages, round after round.
func (w *world) throwRaces(d dice, horizon time.Duration) []planned {
	var out []planned
	for at := time.Duration(0); at < horizon; at += d.between(500*time.Millisecond, 3*time.Second) {
		out = append(out, planned{at: at, kind: "a rush of acknowledgements", run: (*world).ackRush})
		if d.chance(0.05) {
			out = append(out, planned{at: at, kind: "an alert", run: (*world).someAlert})
		}
		if d.chance(0.01) {
			out = append(out, planned{at: at, kind: "a crash", run: (*world).someCrash})
		}
	}
	return out
}

// ackRush lets several people acknowledge one page at the same moment, and somebody give it back afterwards.
func (w *world) ackRush() {
	d := w.dice()
	n := w.judge.somePage(d)
	if n == 0 {
		return
	}
	for range 2 + d.IntN(3) {
		w.after(d.soon(5*time.Millisecond), "", nil, always, func() {
			c := w.asks(n)
			c.what = "ack"
			w.ask(c, 0)
		})
	}
	w.after(300*time.Millisecond, "", nil, always, func() {
		c := w.asks(n)
		c.what = "give back"
		w.ask(c, 0)
	})
}
