package twiliosim

import "net/http"

// Web is the page of telephones, the log (GET /log, JSON lines), the state (GET /state, JSON) and the switches (POST
// /control, JSON). It expects to be served at the root of its listener.
func (s *Sim) Web() http.Handler { return http.NotFoundHandler() }
