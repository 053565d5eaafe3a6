package redisstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"pagerd/gateway/store"
)

// Bounds of one pipeline: the server works through it without a pause, and others wait.
const (
	maxCalls = 64
	maxBytes = 1 << 20
	maxQueue = 4096
)

// lane sends commands in pipelines: while one is on its way the next gathers, so that callers who wait at the same time
// share a round trip, a flush to the disk and a WAIT.
type lane struct {
	s     *Store
	name  string
	queue chan *call
	done  chan struct{}
	ended sync.WaitGroup
}

// call is what one caller asks: commands that go out together, in order.
type call struct {
	cmds    []*command
	durable bool // wait for the replicas
	forced  bool // sent although the server is thought to be gone
	err     error
	done    chan struct{}
}

// command is a script or a plain command, and its reply.
type command struct {
	script *script // nil: args are the whole command
	args   []any
	size   int // bytes of its large arguments
	reply  any
	err    error
}

func newLane(s *Store, name string, workers int) *lane {
	l := &lane{s: s, name: name, queue: make(chan *call, maxQueue), done: make(chan struct{})}
	for range workers {
		l.ended.Go(l.work)
	}
	return l
}

func (l *lane) close() {
	close(l.done)
	l.ended.Wait()
}

// do sends a call and waits for its replies, or for ctx: then it may still be executed. The error is of the way to the
// server; each command has its own besides.
func (l *lane) do(ctx context.Context, c *call) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.s.down(); err != nil {
		return unavailable(err)
	}
	return l.queued(ctx, c)
}

// force is do without asking whether the server is thought to be there.
func (l *lane) force(ctx context.Context, c *call) error {
	c.forced = true
	return l.queued(ctx, c)
}

func (l *lane) queued(ctx context.Context, c *call) error {
	c.done = make(chan struct{})
	select {
	case l.queue <- c:
	case <-l.done:
		return unavailable(errors.New("store is closed"))
	case <-ctx.Done():
		return ctx.Err()
	default:
		return unavailable(fmt.Errorf("%d calls wait already", maxQueue))
	}
	select {
	case <-c.done:
		return c.err
	case <-l.done:
		return unavailable(errors.New("store is closed"))
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *lane) work() {
	for {
		var first *call
		select {
		case first = <-l.queue:
		case <-l.done:
			return
		}
		batch, bytes := []*call{first}, first.bytes()
		for len(batch) < maxCalls && bytes < maxBytes {
			select {
			case c := <-l.queue:
				batch, bytes = append(batch, c), bytes+c.bytes()
				continue
			default:
			}
			break
		}
		if batch = l.refuse(batch); len(batch) == 0 {
			continue
		}
		l.send(batch)
		for _, c := range batch {
			close(c.done)
		}
	}
}

// refuse answers those that queued behind a round trip which came to nothing: waiting for one of their own would answer a
// source seconds later. It returns the others.
func (l *lane) refuse(batch []*call) []*call {
	down := l.s.down()
	if down == nil {
		return batch
	}
	var live []*call
	for _, c := range batch {
		if c.forced {
			live = append(live, c)
			continue
		}
		c.err = unavailable(down)
		close(c.done)
	}
	return live
}

func (c *call) bytes() (n int) {
	for _, cmd := range c.cmds {
		n += cmd.size
	}
	return n
}

// send makes one round trip for a batch. Where the connection broke, it is made again on another: every script knows a
// change again by its nonce, or costs a lease or a number at most when it is executed twice. A script that the server does
// not know, because it was restarted or its cache flushed, is sent along a second time.
func (l *lane) send(batch []*call) {
	ctx, cancel := context.WithTimeout(context.Background(), roundTrip)
	defer cancel()
	err := l.trip(ctx, batch, false)
	if broke(err) {
		err = l.trip(ctx, batch, false)
	}
	if err == nil {
		var again []*call
		for _, c := range batch {
			if c.unknown() {
				again = append(again, c)
			}
		}
		if len(again) > 0 {
			err = l.trip(ctx, again, true)
		}
	}
	l.s.tripped(err)
}

// broke reports whether a connection ended in the middle, which says little about the server: it may have been idle for too
// long, or be one that a restarted server does not know.
func broke(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// unknown reports whether the server did not know a script of the call: then none of the call was executed, because a call
// of scripts has one.
func (c *call) unknown() bool {
	for _, cmd := range c.cmds {
		if cmd.err != nil && cmd.script != nil && strings.HasPrefix(cmd.err.Error(), "NOSCRIPT") {
			return true
		}
	}
	return false
}

// trip executes a batch in one pipeline. The error is of the connection as a whole; the calls have theirs.
func (l *lane) trip(ctx context.Context, batch []*call, whole bool) error {
	node, err := l.s.node(ctx)
	if err != nil {
		return fail(batch, err)
	}
	pipe := node.Pipeline()
	var cmds []*redis.Cmd
	durable := false
	for _, c := range batch {
		durable = durable || c.durable
		for _, cmd := range c.cmds {
			r := redis.NewCmd(ctx, l.s.arguments(cmd, whole)...)
			_ = pipe.Process(ctx, r)
			cmds = append(cmds, r)
		}
	}
	var wait *redis.Cmd
	if durable && l.s.options.Wait > 0 {
		wait = redis.NewCmd(ctx, "wait", l.s.options.Wait, l.s.options.WaitTimeout.Milliseconds())
		_ = pipe.Process(ctx, wait)
	}
	results, err := pipe.Exec(ctx)
	if err != nil && (!answered(err) || !told(results)) {
		return fail(batch, err)
	}
	short := l.short(wait)
	i := 0
	var broken error
	for _, c := range batch {
		c.err = nil
		for _, cmd := range c.cmds {
			cmd.reply, cmd.err = cmds[i].Result()
			i++
			if errors.Is(cmd.err, redis.Nil) {
				cmd.reply, cmd.err = nil, nil
			}
			if cmd.err != nil && !answered(cmd.err) {
				c.err, broken = unavailable(cmd.err), cmd.err
			}
			if cmd.err != nil && notServing(cmd.err) {
				c.err, broken = unavailable(cmd.err), cmd.err
			}
		}
		if c.err == nil && c.durable && short != nil {
			c.err = unavailable(short)
		}
	}
	return broken
}

// short says that too few replicas have what was written.
func (l *lane) short(wait *redis.Cmd) error {
	if wait == nil {
		return nil
	}
	n, err := wait.Int64()
	if err != nil {
		return fmt.Errorf("wait for replicas: %w", err)
	}
	if n < int64(l.s.options.Wait) {
		return fmt.Errorf("%d of %d replicas have the change after %s", n, l.s.options.Wait, l.s.options.WaitTimeout)
	}
	return nil
}

// told reports whether one of the commands got the server's word. A connection that is refused at its beginning, for a wrong
// password, is an error of the pipeline and of no command.
func told(results []redis.Cmder) bool {
	return slices.ContainsFunc(results, func(c redis.Cmder) bool { return c.Err() != nil })
}

func fail(batch []*call, err error) error {
	for _, c := range batch {
		c.err = unavailable(err)
	}
	return err
}

// arguments is the command as it goes over the wire.
func (s *Store) arguments(c *command, whole bool) []any {
	if c.script == nil {
		return c.args
	}
	name, text := "evalsha", c.script.hash
	if whole {
		name, text = "eval", c.script.text
	}
	return append([]any{name, text, 1, s.prefix}, c.args...)
}

// node is the connection pool of the server that has our keys.
func (s *Store) node(ctx context.Context) (redis.Cmdable, error) {
	if c, ok := s.client.(*redis.ClusterClient); ok {
		return c.MasterForKey(ctx, s.prefix)
	}
	return s.client, nil
}

// answered reports whether an error is the server's own word rather than the connection's.
func answered(err error) bool {
	var word redis.Error
	return errors.As(err, &word)
}

// notServing reports whether the server's word means that it serves nobody's writes now: it loads, was demoted, lost its
// cluster, has no disk, or runs a script that does not end.
func notServing(err error) bool {
	for _, prefix := range []string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "MOVED", "ASK", "TRYAGAIN", "MISCONF", "BUSY ",
		"NOREPLICAS", "NOAUTH", "WRONGPASS"} {
		if strings.HasPrefix(err.Error(), prefix) {
			return true
		}
	}
	return false
}

// damaged turns what a command came to into an error of the contract: a key of another type is one damaged value, whatever
// else the server refuses (no memory, no permission) makes the store unavailable.
func (c *command) fault() error {
	switch {
	case c.err == nil:
		return nil
	case strings.Contains(c.err.Error(), "WRONGTYPE"):
		return fmt.Errorf("redis: %w: %w", store.ErrDamaged, c.err)
	}
	return unavailable(c.err)
}

// ask sends one read and returns its reply; nil where there is nothing.
func (s *Store) ask(ctx context.Context, cmd *command) (any, error) {
	if err := s.reads.do(ctx, &call{cmds: []*command{cmd}}); err != nil {
		return nil, err
	}
	return cmd.reply, cmd.fault()
}

// pause waits a moment between two tries, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
