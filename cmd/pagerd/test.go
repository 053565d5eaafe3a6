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
}

func (c *testCommand) Run(e *env) error {
	cfg, err := config.Load(c.Config, os.LookupEnv)
	if err != nil {
		return &refusal{message: err.Error(), hint: "pagerd check " + c.Config + " explains"}
	}
	script, err := os.ReadFile(c.Scenario)
	if err != nil {
		return &misuse{message: fmt.Sprintf("read the scenario: %v", err)}
	}
	return scenario.Run(e.ctx, scenario.Options{File: c.Scenario, Script: script, Config: cfg, Out: e.out})
}
