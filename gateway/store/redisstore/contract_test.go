package redisstore

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"pagerd/gateway/store"
	"pagerd/gateway/store/redisstore/redistest"
	"pagerd/gateway/store/storetest"
)

// prefixes gives every store of a test run keys of its own.
func prefixes() func() string {
	var n atomic.Int64
	return func() string { return fmt.Sprintf("test%d", n.Add(1)) }
}

// open opens a store on a server and closes it when the test ends.
func open(t testing.TB, server *redistest.Server, o Options) *Store {
	t.Helper()
	if len(o.Addresses) == 0 {
		o.Addresses = []string{server.Addr}
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !s.closed.Load() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// The server is real, and what it left behind after kill -9 is what a store is opened on again.
func TestContract(t *testing.T) {
	server, prefix := redistest.Start(t), prefixes()
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		s := open(t, server, Options{Prefix: prefix()})
		return storetest.Harness{
			Store: s,
			Reopen: func() store.Store {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				server.Restart()
				s = open(t, server, s.options)
				return s
			},
			FailWrite: func(op string, n int) func() bool { return failCall(s, op, n) },
		}
	})
}

// failing stands before a script and makes the n-th call of one operation fail.
const failing = `
local real, called = redis, 0
local function counted(how, ...)
  called = called + 1
  if called == %d and ARGV[3] == 'o:%s' then
    if how == real.call then error('injected') end
    return {err = 'injected'}
  end
  return how(...)
end
local redis = setmetatable({call = function(...) return counted(real.call, ...) end,
  pcall = function(...) return counted(real.pcall, ...) end}, {__index = real})
`

// failCall makes the n-th call of the change with this operation fail, whether it reads or writes.
func failCall(s *Store, op string, n int) (hit func() bool) {
	spoil := func(good *script) *script {
		head, rest, _ := strings.Cut(good.text, "\n")
		return newScript(head + "\n" + fmt.Sprintf(failing, n, op) + rest)
	}
	good := s.scripts
	s.scripts.commit, s.scripts.accept = spoil(good.commit), spoil(good.accept)
	return func() bool {
		// The change that failed is committed again by the test: then it must go through.
		s.scripts = good
		reply, err := s.ask(context.Background(), &command{args: []any{"hget", s.key("op"), "o:" + op}})
		return err == nil && reply == nil
	}
}
