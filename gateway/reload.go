package gateway

import (
	"fmt"
	"os"
	"reflect"

	"go.uber.org/zap"

	"pagerd/config"
)

// Reload reads the configuration file again. What can fail is done first; addresses, store and provider accounts need a
// restart and are refused when they changed.
func (g *Gateway) Reload() error {
	next, err := config.Load(g.o.ConfigFile, os.LookupEnv)
	if err != nil {
		g.log.Error("reload refused: the configuration is wrong, the old one stays", zap.Error(err))
		return err
	}
	if what := needsRestart(g.config.Load(), next); what != "" {
		err := fmt.Errorf("%s changed: restart pagerd for that", what)
		g.log.Error("reload refused; the old configuration stays", zap.Error(err))
		return err
	}
	g.config.Store(next)
	g.hooks.Reload(next.Sources)
	g.engine.Reconfigured()
	g.log.Info("configuration reloaded", zap.String("config", next.Hash[:12]))
	return nil
}

// needsRestart names what a reload cannot change.
func needsRestart(now, next *config.Config) string {
	twilioOf := func(c *config.Config) (t config.Twilio) {
		if c.Notify.Twilio != nil {
			t = *c.Notify.Twilio
		}
		t.PreviousAuthToken, t.Language = "", ""
		return t
	}
	smtpOf := func(c *config.Config) (s config.SMTP) {
		if c.Notify.SMTP != nil {
			s = *c.Notify.SMTP
		}
		return s
	}
	storeOf := func(c *config.Config) config.Store {
		s := c.Store
		s.AlarmAfter = 0 // asked for every time
		return s
	}
	switch {
	case next.Public != now.Public || next.Ops != now.Ops:
		return "listen"
	case next.PublicURL != now.PublicURL:
		return "public_url"
	case !reflect.DeepEqual(storeOf(next), storeOf(now)):
		return "store"
	case next.Replica != now.Replica:
		return "replica"
	case twilioOf(next) != twilioOf(now):
		return "notify.twilio"
	case smtpOf(next) != smtpOf(now):
		return "notify.smtp"
	case next.LinkKey != now.LinkKey:
		return "link_key"
	}
	return ""
}
