package gateway

import (
	"testing"
	"time"

	"pagerd/config"
)

func TestWhatAReloadCannotChange(t *testing.T) {
	f := newFleet(t)
	parsed := func(store string) *config.Config { return f.config("a", store, "127.0.0.1:8080") }
	now := parsed(`{redis: {addresses: ["127.0.0.1:6379"], tls: {server_name: redis}}}`)
	for name, c := range map[string]struct {
		next *config.Config
		want string
	}{
		"nothing changed":              {parsed(`{redis: {addresses: ["127.0.0.1:6379"], tls: {server_name: redis}}}`), ""},
		"when the operators are rung":  {parsed(`{alarm_after: 1m, redis: {addresses: ["127.0.0.1:6379"], tls: {server_name: redis}}}`), ""},
		"another server":               {parsed(`{redis: {addresses: ["127.0.0.1:6380"], tls: {server_name: redis}}}`), "store"},
		"another certificate's name":   {parsed(`{redis: {addresses: ["127.0.0.1:6379"], tls: {server_name: other}}}`), "store"},
		"a file instead":               {parsed(`{path: pagerd.db}`), "store"},
		"another name among replicas":  {f.config("b", `{redis: {addresses: ["127.0.0.1:6379"], tls: {server_name: redis}}}`, "127.0.0.1:8080"), "replica"},
		"another address of the doors": {f.config("a", `{redis: {addresses: ["127.0.0.1:6379"], tls: {server_name: redis}}}`, "127.0.0.1:8090"), "listen"},
	} {
		if got := needsRestart(now, c.next); got != c.want {
			t.Errorf("%s: restart for %q, want %q", name, got, c.want)
		}
	}
	if now.Store.AlarmAfter != 10*time.Second {
		t.Error("the running configuration was changed")
	}
}
