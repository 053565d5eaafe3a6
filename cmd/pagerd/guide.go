package main

import (
	"fmt"
	"io"
	"strings"

	"pagerd/gateway/practice"
)

type guideCommand struct {
	Name string `arg:"" optional:"" help:"Which one; without it they are listed."`
}

// Run prints one of the documents that come with the program; it needs no running pagerd.
func (c *guideCommand) Run(e *env) error {
	if c.Name == "" {
		for _, n := range practice.Names() {
			text, _ := practice.Document(n)
			title, _, _ := strings.Cut(text, "\n")
			fmt.Fprintf(e.out, "%-18s %s\n", n, strings.TrimPrefix(title, "# "))
		}
		return nil
	}
	text, ok := practice.Document(practice.Name(c.Name))
	if !ok {
		return &misuse{fmt.Sprintf("there is no guide %q", c.Name), "pagerd guide lists them"}
	}
	_, err := io.WriteString(e.out, text)
	return err
}
