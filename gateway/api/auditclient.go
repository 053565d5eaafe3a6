package api

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"strings"
)

// Audit returns the lines that audit.Verifier reads, as they come; the caller closes them. The whole of it has no time
// limit but ctx.
func (c *Client) Audit(ctx context.Context) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.Base, "/")+"/api/v1/audit", nil)
	if err != nil {
		return nil, &Error{Message: c.Base + " is no address of a pagerd", Hint: "write it as http://127.0.0.1:8081", err: err}
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	client := *cmp.Or(c.HTTP, plainClient())
	client.Timeout = 0
	resp, err := client.Do(req)
	if err != nil {
		return nil, c.unreached(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, c.unreached(err)
	}
	return nil, answered(resp, raw)
}
