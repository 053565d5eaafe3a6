package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"go.uber.org/zap"

	"pagerd/gateway/engine"
	"pagerd/gateway/store"
)

// fault is an error with the status it is answered with.
type fault struct {
	status  int
	message string
	hint    string
}

func (f *fault) Error() string { return f.message }

// faultOf is the one place in which an error becomes a status.
func faultOf(err error) *fault {
	var f *fault
	var refusal *engine.Refusal
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &refusal):
		return &fault{status: http.StatusUnprocessableEntity, message: refusal.Message, hint: refusal.Hint}
	case errors.As(err, &tooLarge):
		return &fault{status: http.StatusRequestEntityTooLarge, message: fmt.Sprintf("the request is larger than %d KiB", tooLarge.Limit>>10)}
	case errors.Is(err, store.ErrNotFound):
		return &fault{status: http.StatusNotFound, message: "there is no such object"}
	case errors.Is(err, store.ErrConflict):
		return &fault{status: http.StatusConflict, message: "it is being changed by others at this moment", hint: "look at it and try again"}
	case errors.Is(err, store.ErrDamaged):
		return &fault{status: http.StatusInternalServerError, message: err.Error(), hint: "everything else goes on; the stored value needs a backup"}
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &fault{status: http.StatusServiceUnavailable, message: "the store cannot be used now", hint: "/readyz says why; try again"}
	}
	return &fault{status: http.StatusInternalServerError, message: "pagerd could not do this", hint: "its log says why"}
}

// fail logs what the caller cannot mend and answers the error.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := faultOf(err)
	if f.status == http.StatusServiceUnavailable && r.Method == http.MethodPost {
		f.message = "NOT RECORDED: " + f.message
	}
	if f.status >= http.StatusInternalServerError {
		s.Log.Error("API request failed", zap.String("method", r.Method), zap.String("path", r.URL.Path), zap.Int("status", f.status), zap.Error(err))
	}
	writeFault(w, f)
}

func writeFault(w http.ResponseWriter, f *fault) {
	switch f.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="pagerd"`)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, f.status, Problem{Error: f.message, Hint: f.hint})
}

// Problem is the body of every answer that is not a success.
type Problem struct {
	Error string `json:"error"`          // a sentence
	Hint  string `json:"hint,omitempty"` // what to do about it
}

// writeJSON answers v. An error here is the connection's, and there is nobody left to tell.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v)
}
