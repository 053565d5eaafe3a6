package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{ format }

// versionResult is what runs.
type versionResult struct {
	Version string `json:"version"`
	Go      string `json:"go"`
}

func (c *versionCommand) Run(e *env) error {
	v := versionResult{Version: version(), Go: runtime.Version()}
	return c.print(e.out, v, func(w io.Writer) { fmt.Fprintf(w, "pagerd %s (%s)\n", v.Version, v.Go) })
}

// version is what the toolchain wrote into the binary: the tag or commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(unknown)"
	}
	return info.Main.Version
}
