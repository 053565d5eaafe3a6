package config

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net"
	"os"
	"regexp"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"
)

// Store says where things are remembered: in a file of this process (Path), or in a Redis that several replicas share.
type Store struct {
	Path  string // file of the embedded store, default "pagerd.db"; empty with Redis
	Redis *Redis // nil = embedded
	// AlarmAfter is how long the store may be unusable before the operators are rung without it, default 10 s.
	AlarmAfter time.Duration
}

// Redis is the server, or the servers, of the shared store.
type Redis struct {
	Addresses        []string // host:port; of the sentinels when Master is set, some nodes when Cluster is
	Master           string   // what Sentinel calls the master; empty = no Sentinel
	Cluster          bool
	Username         string // of an ACL user; empty = "default"
	Password         Secret
	SentinelUsername string
	SentinelPassword Secret
	DB               int
	Prefix           string // of every key, default "pagerd"; several installations may share one server
	TLS              *TLS   // nil = plain
	Relaxed          bool   // a server that can lose what was answered 2xx is used all the same
	// Wait is how many of Redis' own replicas must have a commit before it counts; default 1 with Master or Cluster, else 0.
	Wait int
}

// TLS names the files of a TLS connection. Empty fields are not used.
type TLS struct {
	CA         string // certificates that sign the server's, PEM; empty = the system's
	Cert, Key  string // of this client, PEM
	ServerName string // what the server's certificate must be for; empty = the host connected to
}

// Load reads the files.
func (t TLS) Load() (*tls.Config, error) {
	c := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("read the certificates of %s: %w", t.CA, err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", t.CA)
		}
	}
	if t.Cert != "" || t.Key != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("read the client's certificate and key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// defaultAlarmAfter: a restart of the store or a fail-over takes 3.5 to 4.2 s and is no reason to ring.
const defaultAlarmAfter = 10 * time.Second

func (r *reader) store(a at) Store {
	f := a.mapping("path", "redis", "alarm_after")
	s := Store{AlarmAfter: f["alarm_after"].duration(defaultAlarmAfter, time.Second)}
	switch {
	case f["redis"].missing():
		s.Path = or(f["path"].text(), "pagerd.db")
	case !f["path"].missing():
		f["path"].fail("path is for one pagerd with a file of its own, redis for several that share one store: leave one out",
			"found both \"path\" and \"redis\"")
	default:
		s.Redis = r.redis(f["redis"])
	}
	return s
}

func (r *reader) redis(a at) *Redis {
	f := a.mapping("addresses", "master", "cluster", "username", "password", "sentinel_username", "sentinel_password", "db", "prefix",
		"tls", "durability", "wait")
	s := &Redis{Addresses: f["addresses"].texts(), Master: f["master"].text(), Cluster: f["cluster"].yes(false),
		Username: f["username"].text(), Password: Secret(f["password"].text()),
		SentinelUsername: f["sentinel_username"].text(), SentinelPassword: Secret(f["sentinel_password"].text()),
		DB: f["db"].number(0, 0, 1<<16), Prefix: or(f["prefix"].text(), "pagerd"),
		Relaxed: f["durability"].oneOf("strict", "strict", "relaxed") == "relaxed", TLS: r.tls(f["tls"])}
	wait := 0
	if s.Master != "" || s.Cluster {
		wait = 1
	}
	s.Wait = f["wait"].number(wait, 0, 100)
	if len(s.Addresses) == 0 {
		a.fail("e.g. addresses: [127.0.0.1:6379]", "\"addresses\" is missing")
	}
	for i, address := range s.Addresses {
		if !hostPort(address) {
			f["addresses"].element(i).fail("write it like redis.example.com:6379", "found %q, want host:port", address)
		}
	}
	switch {
	case s.Cluster && s.Master != "":
		f["cluster"].fail("a cluster fails over by itself: leave master out", "found both \"master\" and \"cluster\"")
	case s.Cluster && s.DB != 0:
		f["db"].fail("give installations that share a cluster different prefixes", "found %d: a cluster has only database 0", s.DB)
	case !s.Cluster && s.Master == "" && len(s.Addresses) > 1:
		f["addresses"].fail("say what they are: master: NAME for sentinels, or cluster: true", "found %d addresses of one server", len(s.Addresses))
	}
	if s.Username != "" && s.Password == "" {
		a.fail("password: \"${env:NAME}\"", "\"username\" is there without \"password\"")
	}
	if s.Master == "" && (s.SentinelUsername != "" || s.SentinelPassword != "") {
		a.fail("master: NAME, as the sentinels call it", "credentials for sentinels are there without \"master\"")
	}
	return s
}

// element is the place of a list's element, or the value itself where a single one stands for the list.
func (a at) element(i int) at {
	if a.node.Kind == yaml.SequenceNode {
		return at{node: a.node.Content[i], path: fmt.Sprintf("%s[%d]", a.path, i), r: a.r}
	}
	return a
}

func hostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	n, perr := strconv.ParseUint(port, 10, 16)
	return err == nil && perr == nil && host != "" && n > 0
}

func (r *reader) tls(a at) *TLS {
	if a.missing() {
		return nil
	}
	f := a.mapping("ca", "cert", "key", "server_name")
	t := &TLS{CA: f["ca"].text(), Cert: f["cert"].text(), Key: f["key"].text(), ServerName: f["server_name"].text()}
	if (t.Cert == "") != (t.Key == "") {
		a.fail("cert and key belong together", "only one of \"cert\" and \"key\" is there")
		return t
	}
	if _, err := t.Load(); err != nil {
		hint := "the files must be readable by pagerd, in PEM"
		if errors.Is(err, os.ErrNotExist) {
			hint = "the files must exist where pagerd runs"
		}
		a.fail(hint, "%v", err)
	}
	return t
}

// maxReplica keeps a replica's name short enough for a message on a telephone.
const maxReplica = 64

var replicaName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// shareable checks what replicas need in common, now that the whole file is read.
func (r *reader) shareable(replica, root at, c *Config) {
	if c.Store.Redis != nil && c.LinkKey == "" {
		root.fail("link_key: \"${env:PAGERD_LINK_KEY}\", the same 32 random characters or more for every replica",
			"\"link_key\" is missing: with a Redis store any replica may be asked about a link that another one signed")
	}
	if replica.missing() {
		return
	}
	if n := c.Replica; !replicaName.MatchString(n) || len(n) > maxReplica {
		replica.fail("", "found %q, want a name of at most %d letters, digits, - _ .", n, maxReplica)
	}
}

// shared is the hash of what replicas of one installation must have in common: everything but where each of them listens
// and what it is called. Layout and comments do not count.
func shared(root *yaml.Node) string {
	sum := sha256.New()
	if root != nil {
		for i := 0; i+1 < len(root.Content); i += 2 {
			if key := root.Content[i].Value; key != "listen" && key != "replica" {
				digest(sum, root.Content[i])
				digest(sum, root.Content[i+1])
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func digest(sum hash.Hash, n *yaml.Node) {
	fmt.Fprintf(sum, "%d %q %d ", n.Kind, n.Value, len(n.Content))
	for _, c := range n.Content {
		digest(sum, c)
	}
}
