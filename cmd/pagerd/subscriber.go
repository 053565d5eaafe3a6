package main

import (
	"fmt"
	"io"
)

type subscriberCommand struct {
	List   subscriberList   `cmd:"" help:"Who is mailed what customers are told, with masked addresses."`
	Remove subscriberRemove `cmd:"" help:"Take an address off and forget it."`
}

type subscriberList struct {
	remote
	format
}

func (c *subscriberList) Run(e *env) error {
	out, err := c.client().Subscribers(e.ctx)
	if err != nil {
		return err
	}
	return c.print(e.out, out, func(w io.Writer) {
		if len(out.Subscribers) == 0 {
			fmt.Fprintln(w, "nobody subscribed to the status page")
			return
		}
		rows := [][]string{{"ADDRESS", "SINCE", "REFUSED"}}
		for _, s := range out.Subscribers {
			rows = append(rows, []string{safe(s.Address), stamp(s.Since), fmt.Sprint(s.Refused)})
		}
		table(w, rows)
	})
}

type subscriberRemove struct {
	remote
	Address string `arg:"" help:"The whole mail address."`
}

func (c *subscriberRemove) Run(e *env) error {
	if _, err := c.client().RemoveSubscriber(e.ctx, c.Address); err != nil {
		return err
	}
	fmt.Fprintln(e.out, "that address gets no more mails and is forgotten")
	return nil
}
