package main

import (
	"errors"
	"fmt"
	"os"

	"pagerd/config"
)

type configCommand struct {
	Init configInitCommand `cmd:"" help:"Write the smallest useful configuration."`
}

type configInitCommand struct {
	File string `arg:"" optional:"" help:"Where to; default is standard output. An existing file is never overwritten." placeholder:"FILE"`
}

func (c *configInitCommand) Run(e *env) error {
	if c.File == "" {
		_, err := e.out.Write(config.Example)
		return err
	}
	f, err := os.OpenFile(c.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return &refusal{message: c.File + " exists already", hint: "choose another name, or remove it first"}
	}
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	if _, err := f.Write(config.Example); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	fmt.Fprintf(e.err, "wrote %s; now edit it and run: pagerd check %s\n", c.File, c.File)
	return nil
}
