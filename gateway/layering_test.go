package gateway_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layer says what a package may import: every package on a lower level, and the third-party modules named.
type layer struct {
	level   int
	pure    bool     // no clock, context, network, disk, environment, sync
	modules []string // import path prefixes
}

const (
	zap    = "go.uber.org/zap"
	prom   = "github.com/prometheus/client_golang"
	amgr   = "github.com/prometheus/alertmanager"
	twilio = "github.com/twilio/twilio-go"
	yaml   = "go.yaml.in/yaml/v4"
	retry  = "github.com/hashicorp/go-retryablehttp"
)

// layers is the list of what may import what, from the ground up. A new package needs a line here.
func layers() map[string]layer {
	return map[string]layer{
		"pagerd/gateway/alert":    {level: 0, pure: true},
		"pagerd/gateway/timeline": {level: 0, pure: true},
		"pagerd/gateway/audit":    {level: 1, pure: true},
		"pagerd/notify":           {level: 1, pure: true},
		"pagerd/schedule":         {level: 2, pure: true},
		"pagerd/gateway/page":     {level: 3, pure: true},
		"pagerd/gateway/incident": {level: 3, pure: true},
		"pagerd/gateway/report":   {level: 4, pure: true},
		"pagerd/gateway/shift":    {level: 3, pure: true},

		"pagerd/gateway/postmortem": {level: 4, pure: true},
		"pagerd/gateway/update":     {level: 4, pure: true},
		"pagerd/gateway/mailing":    {level: 5, pure: true},
		"pagerd/gateway/checklist":  {level: 5, pure: true},
		"pagerd/gateway/statuspage": {level: 5, pure: true},
		"pagerd/gateway/practice":   {level: 5, pure: true},
		"pagerd/notify/message":     {level: 4, pure: true},
		"pagerd/routing":            {level: 4, pure: true, modules: []string{amgr}},
		"pagerd/config":             {level: 5, modules: []string{yaml}},

		"pagerd/gateway/store":            {level: 6},
		"pagerd/gateway/store/storetest":  {level: 8},
		"pagerd/gateway/store/memstore":   {level: 7},
		"pagerd/gateway/store/boltstore":  {level: 7, modules: []string{"go.etcd.io/bbolt"}},
		"pagerd/gateway/store/redisstore": {level: 7, modules: []string{"github.com/redis/go-redis/v9"}},
		// Real servers for tests.
		"pagerd/gateway/store/redisstore/redistest": {level: 7},

		"pagerd/notify/twilio":  {level: 6, modules: []string{twilio, zap}},
		"pagerd/notify/tracker": {level: 6},
		"pagerd/notify/email":   {level: 6, modules: []string{"github.com/wneessen/go-mail", zap}},

		// The simulators share nothing with what they stand in for.
		"pagerd/notify/twilio/twiliosim": {level: 0},
		"pagerd/notify/email/mailsink":   {level: 0, modules: []string{"github.com/emersion/go-smtp", "github.com/emersion/go-sasl"}},
		"pagerd/gateway/webhook/snssign": {level: 0},

		"pagerd/gateway/metric":   {level: 6, modules: []string{prom}},
		"pagerd/gateway/engine":   {level: 7, modules: []string{zap, "golang.org/x/sync", prom}},
		"pagerd/gateway/replica":  {level: 7, modules: []string{zap}},
		"pagerd/gateway/degraded": {level: 7, modules: []string{zap}},
		"pagerd/gateway/webhook":  {level: 8, modules: []string{zap, retry}},
		"pagerd/gateway/api":      {level: 8, modules: []string{zap, prom}},
		"pagerd/gateway":          {level: 9, modules: []string{zap}},
		"pagerd/gateway/scenario": {level: 10},
		"pagerd/gateway/demo":     {level: 10, modules: []string{zap}},
		"pagerd/gateway/bench":    {level: 10, modules: []string{"github.com/redis/go-redis/v9"}},

		"pagerd/gateway/sim":          {level: 9},
		"pagerd/gateway/sim/simulate": {level: 10},
		"pagerd/gateway/sim/mutate":   {level: 0},
		// The judge of a chaos run knows nothing of pagerd; neither do its neighbours and its machinery.
		"pagerd/gateway/chaos/judge": {level: 0, pure: true},
		"pagerd/gateway/chaos/rig":   {level: 0},
		"pagerd/gateway/chaos/crowd": {level: 1},
		"pagerd/gateway/chaos":       {level: 10},
		"pagerd/cmd/pagerd":          {level: 11, modules: []string{zap, "github.com/alecthomas/kong"}},
	}
}

// impure are the standard packages that a pure package does without.
func impure() []string {
	return []string{"context", "net", "net/http", "os", "sync", "sync/atomic", "io/ioutil", "syscall", "crypto/rand", "math/rand", "math/rand/v2", "log", "log/slog"}
}

func TestImportsFollowTheLayers(t *testing.T) {
	known := layers()
	for pkg, imports := range productImports(t) {
		l, ok := known[pkg]
		if !ok {
			t.Errorf("%s is not in the list of layers: say what it may import", pkg)
			continue
		}
		for _, imp := range imports {
			checkImport(t, known, pkg, l, imp)
		}
	}
}

func checkImport(t *testing.T, known map[string]layer, pkg string, l layer, imp string) {
	t.Helper()
	first, _, _ := strings.Cut(imp, "/")
	switch {
	case imp == "pagerd" || first == "pagerd":
		other, ok := known[imp]
		if !ok || other.level >= l.level {
			t.Errorf("%s (level %d) must not import %s (level %d)", pkg, l.level, imp, other.level)
		}
	case strings.Contains(first, "."):
		if !slices.ContainsFunc(l.modules, func(m string) bool { return imp == m || strings.HasPrefix(imp, m+"/") }) {
			t.Errorf("%s must not import the third-party package %s", pkg, imp)
		}
	case l.pure && slices.Contains(impure(), imp):
		t.Errorf("%s is pure and must not import %s", pkg, imp)
	}
}

// productImports reads the imports of every non-test Go file below the module's root, by package path.
func productImports(t *testing.T) map[string][]string {
	t.Helper()
	root := ".."
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		pkg := path.Join("pagerd", filepath.ToSlash(rel))
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			out[pkg] = append(out[pkg], imp)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
