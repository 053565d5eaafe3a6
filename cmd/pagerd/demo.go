package main

import (
	"go.uber.org/zap"

	"pagerd/gateway/demo"
)

type demoCommand struct {
	Dir  string `help:"Keep the store here; it survives a restart." default:"demo-data" placeholder:"DIR"`
	Port int    `help:"First of five ports on 127.0.0.1." default:"8090" placeholder:"PORT"`
}

func (c *demoCommand) Run(e *env) error {
	log := zap.NewNop()
	ctx, stop := untilSignal(e.ctx, log, func() error { return nil })
	defer stop()
	return demo.Run(ctx, demo.Options{Dir: c.Dir, Out: e.out, Log: log, Port: c.Port})
}
