package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"pagerd/config"
	"pagerd/gateway"
)

type serveCommand struct {
	Config   string `help:"The configuration file." required:"" env:"PAGERD_CONFIG" placeholder:"FILE"`
	LogLevel string `help:"What is logged: ${enum}." enum:"debug,info,warn,error" default:"info"`
}

func (c *serveCommand) Run(e *env) error {
	cfg, err := config.Load(c.Config, os.LookupEnv)
	if err != nil {
		return &refusal{message: err.Error(), hint: "pagerd check " + c.Config + " explains"}
	}
	log, err := jsonLog(c.LogLevel)
	if err != nil {
		return err
	}
	defer func() { _ = log.Sync() }()
	g, err := gateway.New(gateway.Options{Config: cfg, ConfigFile: c.Config, Log: log, Version: version()})
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	ctx, stop := untilSignal(e.ctx, log, g.Reload)
	defer stop()
	return g.Run(ctx)
}

// jsonLog is zap's production log: JSON lines on standard error.
func jsonLog(level string) (*zap.Logger, error) {
	l, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, &misuse{message: err.Error()}
	}
	cfg := zap.NewProductionConfig()
	cfg.Level = zap.NewAtomicLevelAt(l)
	cfg.Sampling = nil // each line is about one page or delivery, and the one that is dropped would be the one looked for
	cfg.EncoderConfig.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	log, err := cfg.Build()
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return log, nil
}

// untilSignal returns a context that ends at the first SIGTERM or SIGINT; the second ends the process at once, and what
// was claimed is sent by whoever starts next. SIGHUP reloads.
func untilSignal(parent context.Context, log *zap.Logger, reload func() error) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for s := range signals {
			switch {
			case s == syscall.SIGHUP:
				if err := reload(); err != nil {
					log.Error("reload refused; nothing was changed", zap.Error(err))
				}
			case ctx.Err() != nil:
				log.Warn("stopped at once by a second signal")
				_ = log.Sync()
				os.Exit(exitNo)
			default:
				log.Info("stopping; a second signal stops at once", zap.Stringer("signal", s))
				cancel()
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel()
	}
}
