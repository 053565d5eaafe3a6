package twiliosim

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// ErrConnectionCut is what InProcess reports when the handler cut the connection instead of answering.
var ErrConnectionCut = errors.New("twiliosim: connection cut by peer")

// InProcess is a transport that serves every request, whatever its host, by h in this process. There is no network in
// it, so that both sides can live in virtual time. A handler that panics with http.ErrAbortHandler cuts the connection;
// the answer is complete before the caller sees it, so it does not suit event streams.
func InProcess(h http.Handler) http.RoundTripper { return inProcess{h} }

type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		_ = r.Body.Close() // read to its end: nothing is left to report
		if err != nil {
			return nil, err
		}
	}
	in := r.Clone(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.ContentLength = int64(len(body))
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = "192.0.2.1:1234" // TEST-NET-1
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	answer := make(chan *http.Response, 1)
	go func() {
		w := &reply{header: http.Header{}}
		defer func() {
			if p := recover(); p != nil {
				if p != http.ErrAbortHandler {
					panic(p)
				}
				close(answer)
				return
			}
			answer <- w.response(r)
		}()
		t.handler.ServeHTTP(w, in)
	}()
	select {
	case res, ok := <-answer:
		if !ok {
			return nil, ErrConnectionCut
		}
		return res, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// reply collects what a handler answers.
type reply struct {
	header http.Header
	status int
	sent   http.Header // as they were when the status was written
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *reply) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *reply) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

// Write implements http.ResponseWriter.
func (w *reply) Write(b []byte) (int, error) {
	if w.status == 0 && w.header.Get("Content-Type") == "" {
		w.header.Set("Content-Type", http.DetectContentType(b))
	}
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// Flush implements http.Flusher.
func (w *reply) Flush() { w.WriteHeader(http.StatusOK) }

func (w *reply) response(r *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	w.sent.Set("Content-Length", strconv.Itoa(w.body.Len()))
	return &http.Response{
		Status:     strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}
}
