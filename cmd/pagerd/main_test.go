package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"pagerd/config"
	"pagerd/gateway"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"pagerd": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			e.Setenv("PAGERD_URL", "http://127.0.0.1:1")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status": exitStatus,
			"daemon": daemon,
		},
	})
}

// daemon serves a configuration, with a store of its own and on free ports, until the script ends: "daemon pagerd.yaml". The
// commands that follow speak to it as its admin.
func daemon(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: daemon FILE")
	}
	text := "listen: {public: \"127.0.0.1:0\", ops: \"127.0.0.1:0\"}\ntokens: [{name: script, token: script-token, role: admin, person: ana}]\n" +
		"store: {path: " + filepath.Join(ts.Getenv("WORK"), "pagerd.db") + "}\n" + ts.ReadFile(args[0])
	cfg, err := config.Parse(args[0], []byte(text), func(string) (string, bool) { return "", false })
	ts.Check(err)
	g, err := gateway.New(gateway.Options{Config: cfg, Version: "test"})
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	ts.Defer(func() {
		cancel()
		if err := <-ended; err != nil {
			ts.Logf("the daemon ended: %v", err)
		}
	})
	ts.Setenv("PAGERD_URL", "http://"+g.OpsAddr())
	ts.Setenv("PAGERD_TOKEN", "script-token")
}

// exitStatus runs pagerd and wants exactly that status: "status 2 oncall --at x". Its output is there for stdout and stderr.
func exitStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: status CODE [ARGUMENT…]")
	}
	err := ts.Exec("pagerd", args[1:]...)
	got := "0"
	if err != nil {
		got = "?"
		if exit, ok := err.(interface{ ExitCode() int }); ok {
			got = string(rune('0' + exit.ExitCode()))
		}
	}
	if got != args[0] {
		ts.Fatalf("pagerd %v: exit status %s, want %s", args[1:], got, args[0])
	}
}
