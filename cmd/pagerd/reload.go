package main

import (
	"fmt"
	"io"
)

type reloadCommand struct {
	remote
	format
}

func (c *reloadCommand) Run(e *env) error {
	v, err := c.client().Reload(e.ctx)
	if err != nil {
		return err
	}
	return c.print(e.out, v, func(w io.Writer) { fmt.Fprintf(w, "reloaded %s (%.12s)\n", v.ConfigFile, v.ConfigHash) })
}
