package twiliosim

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// activeFault is a fault in force.
type activeFault struct {
	Fault
	id   int
	seen int // requests that Every has counted
}

// fault finds the fault that this request meets; its zero value is none.
func (s *Sim) fault(kind, to string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if !f.concerns(kind, to) {
			continue
		}
		switch {
		case f.Next > 0:
			if f.Next--; f.Next == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
			return f.Fault
		case f.Every > 0:
			if f.seen++; f.seen%f.Every == 0 {
				return f.Fault
			}
		case f.Probability > 0:
			if s.chance(f.Probability) {
				return f.Fault
			}
		default:
			return f.Fault
		}
	}
	return Fault{}
}

func (f *activeFault) concerns(kind, to string) bool {
	if f.To != "" && f.To != to {
		return false
	}
	return f.Only == "" || f.Only == kind
}

// chance draws from the seeded sequence. The caller holds mu.
func (s *Sim) chance(probability float64) bool {
	return probability > 0 && s.rand.Float64() < probability
}

// takesEffect reports whether the request is carried out in spite of the fault.
func (f Fault) takesEffect() bool {
	switch f.Kind {
	case FailStatus, FailHang:
		return f.Accept
	case FailRefuse:
		return false
	}
	return true
}

func (f Fault) status() int {
	if f.Status == 0 {
		return http.StatusInternalServerError
	}
	return f.Status
}

func (f Fault) code() int {
	if f.Code == 0 {
		return codeFor(f.status())
	}
	return f.Code
}

// write answers with an error: 5xx as the HTML of a load balancer unless a code is asked for, others as the API's JSON.
func (f Fault) write(w http.ResponseWriter) {
	if f.RetryAfter > 0 {
		seconds := (f.RetryAfter + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", itoa(int(seconds)))
	}
	status := f.status()
	if status >= 500 && f.Code == 0 {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		// The client may be gone; there is nobody left to tell.
		_, _ = fmt.Fprintf(w, errorPage, status, status, http.StatusText(status))
		return
	}
	writeJSON(w, status, newAPIError(status, f.code(), sentence(f.code())))
}
