package main

import (
	"encoding/json"
	"fmt"
	"io"

	"pagerd/gateway/api"
)

// remote is embedded by every command that speaks to a running pagerd.
type remote struct {
	URL   string `help:"Address of its ops listener." env:"PAGERD_URL" default:"http://127.0.0.1:8081" placeholder:"URL"`
	Token string `help:"API token; better given by the environment, where others cannot see it." env:"PAGERD_TOKEN" placeholder:"TOKEN"`
}

func (r remote) client() *api.Client { return &api.Client{Base: r.URL, Token: r.Token, Via: "cli"} }

// format is embedded by every command whose result a script may want.
type format struct {
	JSON bool `help:"Print JSON."`
}

// print writes v as JSON when asked for, else what text writes.
func (f format) print(out io.Writer, v any, text func(io.Writer)) error {
	if !f.JSON {
		text(out)
		return nil
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return nil
}
