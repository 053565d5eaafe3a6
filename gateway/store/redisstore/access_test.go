package redisstore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pagerd/gateway/store"
	"pagerd/gateway/store/redisstore/redistest"
)

// grants is what a user of its own needs; deploy/redis.conf shows the same.
const grants = `on >secret ~{pagerd}:* &{pagerd}:* -@all +@read +@write +@scripting +@pubsub +@connection -@dangerous +time +wait +info +config|get`

func TestAUserWithFewRightsIsEnough(t *testing.T) {
	server := redistest.Start(t)
	raw(t, server, append([]any{"acl", "setuser", "pagerd"}, words(grants)...)...)
	s := open(t, server, Options{Username: "pagerd", Password: "secret"})
	commit(t, s, change(1001))
	claims, err := s.Claim(t.Context(), at(0), store.ClaimOptions{Limit: 1, Lease: time.Second})
	if err != nil || len(claims) != 1 {
		t.Fatalf("claims %v: %v", claims, err)
	}
	err = errors.Join(s.Renew(t.Context(), claims[0], at(time.Minute)), s.Release(t.Context(), claims[0], at(0)))
	_, err2 := s.Trim(t.Context(), at(1000*time.Hour), 100)
	_, err3 := s.Announce(t.Context(), store.Replica{Name: "a", Schema: Schema})
	if err := errors.Join(err, err2, err3, s.Upgrade(t.Context(), Schema), s.Withdraw(t.Context(), "a")); err != nil {
		t.Error(err)
	}
	other := open(t, server, Options{Username: "pagerd", Password: "secret"})
	hears(t, other, server, 2)
	commit(t, s, change(1002))
	<-other.Wake()
}

func words(s string) (out []any) {
	for _, w := range strings.Fields(s) {
		out = append(out, w)
	}
	return out
}

func TestAWrongPasswordIsSaidAndNothingIsStored(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "right")
	s, err := Open(t.Context(), Options{Addresses: []string{server.Addr}, Password: "wrong"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ready(t.Context()); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "WRONGPASS") || strings.Contains(err.Error(), "wrong\"") {
		t.Errorf("ready: %v", err)
	}
}

func TestOverTLS(t *testing.T) {
	dir := t.TempDir()
	pool := certificate(t, dir)
	server := redistest.Start(t)
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	raw(t, server, "config", "set", "tls-cert-file", filepath.Join(dir, "cert.pem"), "tls-key-file", filepath.Join(dir, "key.pem"),
		"tls-ca-cert-file", filepath.Join(dir, "cert.pem"), "tls-auth-clients", "no", "tls-port", port)
	s := open(t, server, Options{Addresses: []string{"127.0.0.1:" + port}, TLS: &tls.Config{RootCAs: pool, ServerName: "redis.example.com"}})
	commit(t, s, change(1001))
	stranger, err := Open(t.Context(), Options{Addresses: []string{"127.0.0.1:" + port}, TLS: &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "redis.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if err := stranger.Ready(t.Context()); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate of an unknown authority: %v", err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// certificate makes a self-signed one for redis.example.com.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis.example.com"}, DNSNames: []string{"redis.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	err = errors.Join(os.WriteFile(filepath.Join(dir, "cert.pem"), cert, 0o600),
		os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}

// A cluster of three masters: one of them has all our keys, because they share a hash tag.
func TestInACluster(t *testing.T) {
	var servers []*redistest.Server
	args := []string{"--cluster", "create"}
	for range 3 {
		s := redistest.Start(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "5000")
		servers = append(servers, s)
		args = append(args, s.Addr)
	}
	if out, err := exec.Command("redis-cli", append(args, "--cluster-replicas", "0", "--cluster-yes")...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	until(t, "the cluster serves", func() bool {
		for _, s := range servers {
			if info, ok := raw(t, s, "cluster", "info").(string); !ok || !strings.Contains(info, "cluster_state:ok") {
				return false
			}
		}
		return true
	})
	var addresses []string
	for _, s := range servers {
		addresses = append(addresses, s.Addr)
	}
	s := open(t, servers[0], Options{Addresses: addresses, Cluster: true})
	for n := int64(1001); n < 1030; n++ {
		commit(t, s, change(n))
	}
	claims, err := s.Claim(t.Context(), at(0), store.ClaimOptions{Limit: 100, Lease: time.Second})
	if err != nil || len(claims) != 29 {
		t.Errorf("%d claims: %v", len(claims), err)
	}
	other := open(t, servers[0], Options{Addresses: addresses, Cluster: true})
	commit(t, s, change(2000))
	if _, err := other.Page(t.Context(), 2000); err != nil {
		t.Error(err)
	}
}
