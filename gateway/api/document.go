package api

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.yaml
var openapi []byte

// document serves the description of the API.
func (s *server) document(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(openapi)
	return nil
}
