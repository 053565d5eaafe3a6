package main

import (
	"fmt"
	"os"

	"pagerd/config"
	"pagerd/gateway/scenario"
)

type testCommand struct {
	Scenario string `arg:"" help:"The scenario: what happens, and who must be rung when." placeholder:"SCENARIO"`
	Config   string `help:"The configuration to try." required:"" env:"PAGERD_CONFIG" placeholder:"FILE"`
	Verbose  bool   `help:"Tell the whole story, also when the scenario passes." short:"v"`
}

func (c *testCommand) Run(e *env) error {
	cfg, err := config.Load(c.Config, pretend)
	if err != nil {
		return &refusal{message: err.Error(), hint: "pagerd check " + c.Config + " explains"}
	}
	script, err := os.ReadFile(c.Scenario)
	if err != nil {
		return &misuse{message: fmt.Sprintf("read the scenario: %v", err)}
	}
	if err := scenario.Run(e.ctx, scenario.Options{File: c.Scenario, Script: script, Config: cfg, Out: e.out, Verbose: c.Verbose}); err != nil {
		return &refusal{message: err.Error()}
	}
	fmt.Fprintf(e.out, "%s: passed\n", c.Scenario)
	return nil
}

// pretend stands in for secrets that a machine without them, such as a CI runner, does not have: nothing is sent in a
// scenario.
func pretend(name string) (string, bool) {
	if v, ok := os.LookupEnv(name); ok {
		return v, true
	}
	return "unset-" + name, true
}
