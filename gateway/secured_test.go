package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// certificate makes a self-signed certificate for a name and writes it and its key as PEM.
func certificate(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IsCA: true,
		BasicConstraintsValid: true, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(file, kind string, b []byte) string {
		file = filepath.Join(t.TempDir(), file)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", raw)
}

// exampleUser is the ACL user that redis.conf shows, commented out.
var exampleUser = regexp.MustCompile(`(?m)^# user (pagerd on .*)$`)

// TestASecuredRedisIsUsedWithTheExamplesUser: TLS with the server's own certificate, and the user of deploy/redis.conf, who
// may do no more than a pagerd does.
func TestASecuredRedisIsUsedWithTheExamplesUser(t *testing.T) {
	f := newFleet(t)
	conf, err := os.ReadFile(filepath.Join(deploy, "redis.conf"))
	if err != nil {
		t.Fatal(err)
	}
	found := exampleUser.FindSubmatch(conf)
	if found == nil {
		t.Fatal("redis.conf shows no user")
	}
	cert, key := certificate(t, "redis.example.com")
	secured := freePort(t)
	args := []string{"redis-server", filepath.Join(deploy, "redis.conf"), "--dir", t.TempDir(), "--tls-port", secured, "--tls-cert-file", cert,
		"--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no", "--user"}
	args = append(args, strings.Fields(strings.ReplaceAll(string(found[1]), "CHANGE-ME", "secret"))...)
	serve(t, freePort(t), append(args, "--user", "default", "off")...)
	section := func(password string) string {
		return fmt.Sprintf("{alarm_after: 1s, redis: {addresses: [%q], username: pagerd, password: %s, tls: {ca: %q, server_name: redis.example.com}}}",
			"127.0.0.1:"+secured, password, cert)
	}
	a := f.start("a", section("secret"), nil)
	if st := a.storeInfo(); !st.Ready || len(st.Findings) > 0 || st.Compared != "" || len(st.Replicas) != 1 || st.Schema == 0 {
		t.Errorf("the store: %+v", st)
	}
	if status, body := a.fire("Secured"); status != http.StatusOK {
		t.Fatalf("answered %d %s", status, body)
	}
	f.rings(anasNumber, "Secured")
	if err := a.g.engine.Housekeep(f.ctx, time.Now()); err != nil {
		t.Error(err)
	}
	a.stop()
	b := f.start("b", section("wrong"), nil)
	b.door("/readyz", http.StatusServiceUnavailable, "WRONGPASS")
	if status, body := b.fire("Refused"); status != http.StatusServiceUnavailable {
		t.Errorf("with a wrong password: %d %s", status, body)
	}
}
