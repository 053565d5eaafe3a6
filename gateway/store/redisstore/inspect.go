package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"pagerd/gateway/store"
)

// oldest is the first version with what the scripts need: flags, and the list of ZRANGE's options.
const oldest = 7

// mostMemory is how much of its memory the server may use (RULES R33): what is left is for what was accepted.
const mostMemory = 0.8

// inspect asks the server for everything on which our promise rests.
func (s *Store) inspect(ctx context.Context) ([]store.Finding, error) {
	info := &command{args: []any{"info", "everything"}}
	settings := []string{"appendonly", "appendfsync", "no-appendfsync-on-rewrite", "maxmemory-policy"}
	cmds := []*command{info}
	for _, name := range settings {
		cmds = append(cmds, &command{args: []any{"config", "get", name}})
	}
	if err := s.urgent.force(ctx, &call{cmds: cmds}); err != nil {
		return nil, err
	}
	if err := info.fault(); err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	text, _ := info.reply.(string)
	facts := parseInfo(text)
	config := map[string]string{}
	for i, name := range settings {
		config[name] = setting(name, cmds[i+1])
	}
	return judge(facts, config, s.options.Wait), nil
}

// setting reads what CONFIG GET says: a list under RESP2, a map under RESP3; forbidden or renamed, it is unknown.
func setting(name string, cmd *command) string {
	if cmd.err != nil {
		return "unknown (" + cmd.err.Error() + ")"
	}
	switch v := cmd.reply.(type) {
	case []any:
		if len(v) == 2 {
			return fmt.Sprint(v[1])
		}
	case map[any]any:
		if found, ok := v[name]; ok {
			return fmt.Sprint(found)
		}
	}
	return "unknown"
}

// parseInfo reads INFO's lines "name:value".
func parseInfo(text string) map[string]string {
	facts := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			facts[name] = value
		}
	}
	return facts
}

// judge holds facts and settings against what is promised. The measured losses are those of README.md.
func judge(facts, config map[string]string, wait int) []store.Finding {
	var out []store.Finding
	want := func(setting, found, want, loses string) {
		if found != want {
			out = append(out, store.Finding{Setting: setting, Found: found, Want: want, Loses: loses})
		}
	}
	want("role", facts["role"], "master", "a replica takes no change")
	want("appendonly", config["appendonly"], "yes", "when the server ends, everything since its last snapshot is gone")
	want("appendfsync", config["appendfsync"], "always", "a power cut takes the last second of alerts and acknowledgements along")
	want("no-appendfsync-on-rewrite", config["no-appendfsync-on-rewrite"], "no", "a power cut while the file is rewritten takes along what was confirmed meanwhile")
	want("maxmemory-policy", config["maxmemory-policy"], "noeviction", "when memory runs out, pages and timers are deleted in silence")
	major, _ := strconv.Atoi(strings.Split(facts["redis_version"], ".")[0])
	if major < oldest {
		want("redis_version", facts["redis_version"], "7.0 or newer", "the scripts do not run")
	}
	if replicas, _ := strconv.Atoi(facts["connected_slaves"]); replicas < wait {
		want("connected_slaves", facts["connected_slaves"], strconv.Itoa(wait)+" or more", "a change is not stored on enough servers, so that none is confirmed")
	}
	used, _ := strconv.ParseFloat(facts["used_memory"], 64)
	if limit, _ := strconv.ParseFloat(facts["maxmemory"], 64); limit > 0 && used > mostMemory*limit {
		want("used_memory", fmt.Sprintf("%.0f%% of maxmemory", 100*used/limit), "80% or less", "soon no new alert can be taken; acknowledgements and what is open go on")
	}
	if facts["aof_last_write_status"] == "err" {
		want("aof_last_write_status", "err", "ok", "the server cannot write its file")
	}
	return out
}
