package config

import "slices"

// StatusPage is the page that the public sees under /status-page/ of the public listener. Without components there is none.
type StatusPage struct {
	Title      string
	Components map[string]string // service → public name
	Subscribe  bool              // strangers may ask for the updates by mail; default no
}

// Names returns the public names, each once, in their order.
func (s StatusPage) Names() []string {
	var out []string
	for _, name := range s.Components {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (r *reader) statusPage(a at) StatusPage {
	f := a.mapping("title", "components", "subscribe")
	out := StatusPage{Title: or(f["title"].text(), "Status"), Components: map[string]string{}, Subscribe: f["subscribe"].yes(false)}
	if a.missing() {
		return out
	}
	services, names := f["components"].entries()
	for i, service := range services {
		if name := names[i].text(); name == "" {
			names[i].fail(`write it like components: {checkout: "Checkout and payment"}`, "the service %q has no public name", service)
		} else {
			out.Components[service] = name
		}
	}
	if len(services) == 0 {
		a.fail(`write it like components: {checkout: "Checkout and payment"}`, "the status page names no components")
	}
	return out
}
