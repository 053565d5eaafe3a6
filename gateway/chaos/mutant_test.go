package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"testing"

	"pagerd/gateway/chaos/rig"
)

// TestEveryMutationFitsTheSource: a mutation that no longer matches would only show in the chaos run.
func TestEveryMutationFitsTheSource(t *testing.T) {
	all := append(mutants(), mutant{name: "does not flush", mutations: []rig.Mutation{withoutFlush()}})
	for _, m := range all {
		changed := map[string]string{}
		for _, change := range m.mutations {
			text, ok := changed[change.File]
			if !ok {
				b, err := os.ReadFile(filepath.Join("..", "..", change.File))
				if err != nil {
					t.Fatal(err)
				}
				text = string(b)
			}
			text, err := change.Apply(text)
			if err != nil {
				t.Errorf("a pagerd that %s: %v", m.name, err)
				continue
			}
			changed[change.File] = text
		}
		for file, text := range changed {
			if _, err := parser.ParseFile(token.NewFileSet(), file, text, 0); err != nil {
				t.Errorf("a pagerd that %s: %v", m.name, err)
			}
		}
	}
}
