package api

import "net/http"

// role is what a route asks of its caller. The order is the order of what they may do.
type role int

// The roles: anyone needs no token; a token has one of the others.
const (
	anyone role = iota
	viewer
	responder
	admin
)

// parseRole reads a configured role; an unknown word may do nothing more than anyone.
func parseRole(word string) role {
	switch word {
	case "viewer":
		return viewer
	case "responder":
		return responder
	case "admin":
		return admin
	}
	return anyone
}

func (r role) String() string {
	return [...]string{"anyone", "viewer", "responder", "admin"}[r]
}

// route is one line of the table: who may do what.
type route struct {
	method string
	path   string
	role   role
	handle func(s *server, w http.ResponseWriter, r *http.Request) error
}

// routes is every route there is. The API's document describes each one under /api/v1, and a test holds the two together.
func routes() []route {
	return []route{
		{"GET", "/healthz", anyone, (*server).healthz},
		{"GET", "/readyz", anyone, (*server).readyz},
		{"GET", "/readyz/page", anyone, (*server).readyzPage},
		{"GET", "/metrics", anyone, (*server).metrics},
		{"GET", "/{$}", anyone, (*server).status},
		{"GET", "/status", anyone, (*server).status},
		{"GET", "/status.css", anyone, (*server).stylesheet},
		{"GET", "/report", anyone, (*server).reportPage},
		{"GET", "/report.css", anyone, (*server).reportStyle},

		{"GET", "/api/v1/openapi.yaml", anyone, (*server).document},
		{"GET", "/api/v1/version", viewer, (*server).version},
		{"GET", "/api/v1/oncall", viewer, (*server).onCall},
		{"GET", "/api/v1/pages", viewer, (*server).listPages},
		{"GET", "/api/v1/pages/{n}", viewer, (*server).showPage},
		{"GET", "/api/v1/incidents", viewer, (*server).listIncidents},
		{"GET", "/api/v1/incidents/{n}", viewer, (*server).showIncident},
		{"GET", "/api/v1/reports/facts", viewer, (*server).showFacts},
		{"GET", "/api/v1/reports/{kind}", viewer, (*server).showReport},

		{"POST", "/api/v1/pages/acknowledge", responder, (*server).acknowledgeMany},
		{"POST", "/api/v1/pages/resolve", responder, (*server).resolveMany},
		{"POST", "/api/v1/pages/{n}/acknowledge", responder, (*server).acknowledge},
		{"POST", "/api/v1/pages/{n}/unacknowledge", responder, (*server).unacknowledge},
		{"POST", "/api/v1/pages/{n}/resolve", responder, (*server).resolve},
		{"POST", "/api/v1/pages/{n}/escalate", responder, (*server).escalate},
		{"POST", "/api/v1/pages/{n}/note", responder, (*server).note},
		{"POST", "/api/v1/pages/{n}/noise", responder, (*server).noise},
		{"POST", "/api/v1/pages/{n}/severity", responder, (*server).severity},
		{"POST", "/api/v1/incidents/{n}/mitigate", responder, (*server).mitigate},
		{"POST", "/api/v1/incidents/{n}/resolve", responder, (*server).resolveIncident},
		{"POST", "/api/v1/incidents/{n}/dismiss", responder, (*server).dismiss},
		{"GET", "/api/v1/severities", viewer, (*server).severities},
		{"POST", "/api/v1/incidents", responder, (*server).declare},
		{"POST", "/api/v1/incidents/{n}/confirm", responder, (*server).confirm},
		{"POST", "/api/v1/incidents/{n}/severity", responder, (*server).incidentSeverity},
		{"POST", "/api/v1/incidents/{n}/phase", responder, (*server).phase},
		{"POST", "/api/v1/incidents/{n}/note", responder, (*server).incidentNote},
		{"POST", "/api/v1/incidents/{n}/describe", responder, (*server).describe},
		{"POST", "/api/v1/incidents/{n}/assign", responder, (*server).assign},
		{"POST", "/api/v1/incidents/{n}/call", responder, (*server).callIn},
		{"POST", "/api/v1/incidents/{n}/merge", responder, (*server).merge},
		{"POST", "/api/v1/incidents/{n}/move", responder, (*server).move},
		{"POST", "/api/v1/incidents/{n}/import", responder, (*server).importHighlights},
		{"GET", "/api/v1/incidents/{n}/checklist", viewer, (*server).showChecklist},
		{"POST", "/api/v1/incidents/{n}/tick", responder, (*server).tick},
		{"GET", "/api/v1/incidents/{n}/updates", viewer, (*server).listUpdates},
		{"POST", "/api/v1/incidents/{n}/updates", responder, (*server).postUpdate},
		{"GET", "/api/v1/subscribers", admin, (*server).listSubscribers},
		{"POST", "/api/v1/subscribers/remove", admin, (*server).removeSubscriber},

		{"GET", "/api/v1/drills/{n}", viewer, (*server).scoreDrill},
		{"POST", "/api/v1/drills", responder, (*server).beginDrill},

		{"GET", "/api/v1/audit", viewer, (*server).audit},

		{"GET", "/api/v1/postmortems", viewer, (*server).listPostmortems},
		{"GET", "/api/v1/postmortems/{n}", viewer, (*server).showPostmortem},
		{"GET", "/api/v1/postmortems/{n}/agenda", viewer, (*server).showAgenda},
		{"POST", "/api/v1/postmortems/{n}/begin", responder, (*server).beginPostmortem},
		{"POST", "/api/v1/postmortems/{n}/edit", responder, (*server).editPostmortem},
		{"POST", "/api/v1/postmortems/{n}/review", responder, (*server).reviewPostmortem},
		{"POST", "/api/v1/postmortems/{n}/meeting", responder, (*server).meetPostmortem},
		{"POST", "/api/v1/postmortems/{n}/assign", responder, (*server).assignPostmortem},
		{"POST", "/api/v1/postmortems/{n}/publish", responder, (*server).publishPostmortem},
		{"POST", "/api/v1/postmortems/{n}/waive", admin, (*server).waivePostmortem},
		{"GET", "/api/v1/actions", viewer, (*server).listActions},
		{"GET", "/api/v1/actions/{n}", viewer, (*server).showAction},
		{"POST", "/api/v1/actions", responder, (*server).openAction},
		{"POST", "/api/v1/actions/{n}/done", responder, (*server).endAction},
		{"POST", "/api/v1/actions/{n}/drop", responder, (*server).dropAction},
		{"POST", "/api/v1/actions/{n}/change", responder, (*server).changeAction},
		{"POST", "/api/v1/actions/{n}/resend", responder, (*server).resendAction},

		{"GET", "/api/v1/store", viewer, (*server).showStore},
		{"POST", "/api/v1/store/upgrade", admin, (*server).upgradeStore},
		{"POST", "/api/v1/reload", admin, (*server).reload},
	}
}
