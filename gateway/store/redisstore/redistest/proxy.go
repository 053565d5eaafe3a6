package redistest

import (
	"bytes"
	"net"
	"sync"
	"testing"
)

// Proxy stands between a client and a server and loses replies on demand: the request is executed, and the connection
// breaks before its answer.
type Proxy struct {
	Addr string

	listener net.Listener
	to       string
	mu       sync.Mutex
	marker   []byte // of the request whose reply is lost; nil = none
	lost     int
	conns    []net.Conn
	closed   bool
	wg       sync.WaitGroup
}

// Between starts a proxy in front of a server.
func Between(t testing.TB, s *Server) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String(), listener: l, to: s.Addr}
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// LoseReply loses the replies to the next n pipelines that contain the marker.
func (p *Proxy) LoseReply(marker string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.marker, p.lost = []byte(marker), n
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.closed = true
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	_ = p.listener.Close()
	p.wg.Wait()
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		s, err := net.Dial("tcp", p.to)
		if err != nil {
			_ = c.Close()
			continue
		}
		p.mu.Lock()
		if p.closed {
			_, _ = c.Close(), s.Close()
		}
		p.conns = append(p.conns, c, s)
		p.mu.Unlock()
		lose := make(chan struct{})
		p.wg.Go(func() { p.requests(c, s, lose) })
		p.wg.Go(func() { replies(c, s, lose) })
	}
}

// requests passes on what the client sends; a request with the marker dooms the connection.
func (p *Proxy) requests(client, server net.Conn, lose chan struct{}) {
	defer server.Close()
	buf := make([]byte, 1<<20)
	doomed := false
	for {
		n, err := client.Read(buf)
		if n > 0 {
			if !doomed && p.doom(buf[:n]) {
				doomed = true
				close(lose) // before the request goes out: no byte of its reply passes
			}
			if _, err := server.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *Proxy) doom(request []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost == 0 || p.marker == nil || !bytes.Contains(request, p.marker) {
		return false
	}
	p.lost--
	return true
}

// replies passes on what the server answers, or swallows it and breaks the connection once something came.
func replies(client, server net.Conn, lose chan struct{}) {
	defer client.Close()
	buf := make([]byte, 1<<20)
	for {
		n, err := server.Read(buf)
		select {
		case <-lose:
			return // it was executed: the answer is here
		default:
		}
		if n > 0 {
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
