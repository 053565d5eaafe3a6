package main

import (
	"errors"
	"fmt"
	"os"

	"pagerd/config"
)

type checkCommand struct {
	File   string `arg:"" help:"The configuration file." placeholder:"FILE"`
	Strict bool   `help:"Exit 1 when there are findings by which somebody may not be paged."`
}

func (c *checkCommand) Run(e *env) error {
	cfg, err := config.Load(c.File, os.LookupEnv)
	var mistakes config.Errors
	switch {
	case errors.As(err, &mistakes):
		for _, m := range mistakes {
			fmt.Fprintln(e.out, m.Error())
		}
		fmt.Fprintf(e.out, "%s: %s\n", c.File, plural(len(mistakes), "mistake"))
		return &refusal{}
	case err != nil:
		return &misuse{message: err.Error(), hint: "pagerd config init FILE writes one to begin with"}
	}
	severe := 0
	for _, f := range config.Findings(cfg, e.now()) {
		mark := "note"
		if f.Severe {
			mark, severe = "WARNING", severe+1
		}
		fmt.Fprintf(e.out, "%s: %s: %s\n", mark, f.Subject, f.Message)
		if f.Hint != "" {
			fmt.Fprintf(e.out, "      %s\n", f.Hint)
		}
	}
	fmt.Fprintf(e.out, "%s: good: %s, %s, %s\n", c.File, plural(len(cfg.Sources), "source"), plural(len(cfg.Book.People), "person"),
		plural(len(cfg.Book.Rotations), "schedule"))
	if c.Strict && severe > 0 {
		return &refusal{}
	}
	return nil
}

func plural(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case what == "person":
		return fmt.Sprintf("%d people", n)
	}
	return fmt.Sprintf("%d %ss", n, what)
}
