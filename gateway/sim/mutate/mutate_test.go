package main

import "testing"

// TestEveryMutationFitsTheProgram: the texts are there exactly once. That each is found is the long run's: make sim-mutants.
func TestEveryMutationFitsTheProgram(t *testing.T) {
	all, err := load("../mutations")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 12 {
		t.Errorf("%d mutations", len(all))
	}
	for _, m := range all {
		if _, err := m.apply("../../.."); err != nil {
			t.Error(err)
		}
	}
}

func TestAMutationThatNoLongerFitsIsAnError(t *testing.T) {
	m, err := parse("rule: r\nfile: gateway/sim/mutate/main.go\n-- old --\nno such text\n-- new --\nanother\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.apply("../../.."); err == nil {
		t.Error("it was applied")
	}
	for _, text := range []string{"", "rule: r\n-- old --\na\n-- new --\nb\n", "rule: r\nfile: f\n-- old --\na\n-- new --\na\n", "what: x\n-- old --\na\n-- new --\nb\n"} {
		if _, err := parse(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
