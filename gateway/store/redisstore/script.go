package redisstore

import (
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"strings"
)

//go:embed lua/*.lua
var sources embed.FS

// script is a script's text and the name by which the server's cache knows it.
type script struct{ text, hash string }

func newScript(text string) *script {
	sum := sha1.Sum([]byte(text)) // the server's own naming
	return &script{text: text, hash: hex.EncodeToString(sum[:])}
}

// scripts are all of the store's. Flags say what the server may do: a script that allows out-of-memory also runs when the
// memory limit is reached, so that what was accepted is acknowledged and sent although nothing new is accepted.
type scripts struct {
	accept, commit, claim, renew, trim, begin          *script
	number, next, group, pageAlerts, announce, upgrade *script
}

func (s *scripts) load() {
	writes := func(flags, name string) *script { return newScript(shebang(flags) + "\n" + text("lib") + text(name)) }
	plain := func(flags, name string) *script { return newScript(shebang(flags) + "\n" + text(name)) }
	s.accept = writes("", "commit")
	s.commit = writes("flags=allow-oom", "commit")
	s.claim = writes("flags=allow-oom", "claim")
	s.renew = writes("flags=allow-oom", "renew")
	s.trim = writes("flags=allow-oom", "trim")
	s.begin = writes("flags=allow-oom", "begin")
	s.number = plain("", "number")
	s.announce = plain("flags=allow-oom", "announce")
	s.upgrade = plain("flags=allow-oom", "upgrade")
	s.next = plain("flags=no-writes", "next")
	s.group = plain("flags=no-writes", "group")
	s.pageAlerts = plain("flags=no-writes", "pagealerts")
}

func shebang(flags string) string { return strings.TrimSpace("#!lua " + flags) }

func text(name string) string {
	b, err := sources.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // it is embedded
	}
	return string(b)
}
