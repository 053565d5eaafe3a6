package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pagerd/gateway/statuspage"
	"pagerd/gateway/store"
	"pagerd/gateway/update"
)

// maxTold is how many incidents with updates are looked at for the status page, newest first.
const maxTold = 500

// StatusPage is what the public may see now, at url.
func (e *Engine) StatusPage(ctx context.Context, url string, now time.Time) (statuspage.Page, error) {
	cfg := e.config().StatusPage
	logs, err := records[update.Log](ctx, e, store.Update, store.Filter{Limit: maxTold})
	if err != nil {
		return statuspage.Page{}, err
	}
	var list []statuspage.Disturbance
	for _, l := range logs {
		// The instant keeps strangers from finding the number by trying all of them.
		d := statuspage.Disturbance{Key: fmt.Sprintf("incident/%d/%d", l.Incident, l.FirstTo[update.Customers].UnixNano())}
		for _, u := range l.Updates {
			if u.To == update.Customers {
				d.Words = append(d.Words, statuspage.Word{State: u.State, Text: u.Text, At: u.At, Next: u.Next})
			}
		}
		if len(d.Words) == 0 {
			continue
		}
		in, err := e.living(ctx, l.Incident)
		if errors.Is(err, store.ErrDamaged) {
			continue
		}
		if err != nil {
			return statuspage.Page{}, err
		}
		if in.Drill {
			continue
		}
		d.Component = cfg.Components[in.Service]
		list = append(list, d)
	}
	page := statuspage.New(cfg.Title, url, cfg.Names(), list, now)
	page.Subscribe = cfg.Subscribe
	return page, nil
}
