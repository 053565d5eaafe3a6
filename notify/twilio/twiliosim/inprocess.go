package twiliosim

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
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
		w := httptest.NewRecorder()
		defer func() {
			if p := recover(); p != nil {
				if p != http.ErrAbortHandler {
					panic(p)
				}
				close(answer)
				return
			}
			res := w.Result()
			res.Request = r
			answer <- res
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
