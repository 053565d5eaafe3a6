package rig

import (
	"errors"
	"fmt"
)

// Undo is a stack of named teardowns, each registered beside what it undoes.
type Undo struct {
	steps []step
}

type step struct {
	name string
	do   func() error
}

// Add registers a teardown.
func (u *Undo) Add(name string, do func() error) { u.steps = append(u.steps, step{name, do}) }

// All runs every teardown, the newest first, even after one failed. Running it again does nothing.
func (u *Undo) All() error {
	var failed error
	for len(u.steps) > 0 {
		last := u.steps[len(u.steps)-1]
		u.steps = u.steps[:len(u.steps)-1]
		if err := last.do(); err != nil {
			failed = errors.Join(failed, fmt.Errorf("undo %s: %w", last.name, err))
		}
	}
	return failed
}
