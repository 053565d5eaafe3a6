// Command pagerd is the pager gateway daemon and its command line: it serves, it checks and tries configurations, and it
// speaks to a running pagerd.
//
// It promises results on standard output and everything else on standard error; status 0 for yes, 1 for no, 2 for a
// command that was not understood; and a hint with whatever it refuses.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	_ "time/tzdata" // time zones on machines that have none

	"github.com/alecthomas/kong"

	"pagerd/gateway/api"
	"pagerd/gateway/engine"
)

// Exit statuses.
const (
	exitYes   = 0
	exitNo    = 1
	exitUsage = 2
)

// commands is the grammar: a field per subcommand, each in a file of its own.
type commands struct {
	Serve      serveCommand      `cmd:"" help:"Run the gateway."`
	Demo       demoCommand       `cmd:"" help:"Try it: the real gateway with simulated telephones in the browser; nothing is sent to anyone."`
	Test       testCommand       `cmd:"" help:"Play a scripted day against a configuration."`
	Check      checkCommand      `cmd:"" help:"Check a configuration: every mistake at once, then what would go wrong in the next 90 days."`
	Config     configCommand     `cmd:"" help:"Begin a configuration."`
	Oncall     oncallCommand     `cmd:"" help:"Say who is on call."`
	Status     statusCommand     `cmd:"" help:"Say how a running pagerd is; exit 1 when somebody could not be paged."`
	Page       pageCommand       `cmd:"" help:"List, show and answer pages."`
	Incident   incidentCommand   `cmd:"" help:"Declare, lead and close incidents."`
	Report     reportCommand     `cmd:"" help:"Monthly reviews, digests, and the facts they are made of."`
	Postmortem postmortemCommand `cmd:"" help:"Write, find and publish what is learned from incidents."`
	Action     actionCommand     `cmd:"" help:"What was decided to be done, by whom and until when."`
	Drill      drillCommand      `cmd:"" help:"Practise with real people and telephones."`
	Subscriber subscriberCommand `cmd:"" help:"Who is mailed what customers are told."`
	Guide      guideCommand      `cmd:"" help:"Print the guide for incidents, the lists before and after a shift, how to write a postmortem."`
	Audit      auditCommand      `cmd:"" help:"Verify that nothing of what happened was changed or taken away."`
	Export     exportCommand     `cmd:"" help:"Print everything about a page or an incident, as Markdown or JSON."`
	Store      storeCommand      `cmd:"" help:"Look at the store and its replicas; upgrade the stored format."`
	Reload     reloadCommand     `cmd:"" help:"Make a running pagerd read its configuration again."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

// env is what a command gets from the process.
type env struct {
	ctx context.Context
	out io.Writer // results
	err io.Writer // everything else
	now func() time.Time
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run does what the arguments say and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	parser, err := kong.New(&commands{},
		kong.Name("pagerd"),
		kong.Description("pagerd turns a monitoring alert into an answered telephone."),
		kong.Writers(stdout, stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 80}),
		kong.UsageOnError())
	if err != nil {
		fmt.Fprintf(stderr, "pagerd: %v\n", err)
		return exitUsage
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	call, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "pagerd: %v\nhint: pagerd --help, or --help after a command, says what there is\n", err)
		return exitUsage
	}
	return conclude(call.Run(&env{ctx: context.Background(), out: stdout, err: stderr, now: time.Now}), stderr)
}

// conclude tells an error and its hint, and chooses the exit status.
func conclude(err error, stderr io.Writer) int {
	var no *refusal
	var usage *misuse
	var answer *api.Error
	var refused *engine.Refusal
	hint, status := "", exitNo
	switch {
	case err == nil:
		return exitYes
	case errors.As(err, &no):
		hint = no.hint
	case errors.As(err, &usage):
		hint, status = usage.hint, exitUsage
	case errors.As(err, &answer):
		hint = answer.Hint
	case errors.As(err, &refused):
		hint = refused.Hint
	}
	if text := err.Error(); text != "" {
		fmt.Fprintf(stderr, "pagerd: %s\n", text)
	}
	if hint != "" {
		fmt.Fprintf(stderr, "hint: %s\n", hint)
	}
	return status
}

// refusal is a no: exit status 1. Without a message it is silent, because the result was printed.
type refusal struct{ message, hint string }

func (r *refusal) Error() string { return r.message }

// misuse is a command that was not understood: exit status 2.
type misuse struct{ message, hint string }

func (m *misuse) Error() string { return m.message }
