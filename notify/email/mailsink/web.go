package mailsink

import "net/http"

func (s *Sink) web() http.Handler { return http.NotFoundHandler() }
