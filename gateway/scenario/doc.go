// Package scenario plays a scripted day against a configuration, in virtual time: alerts fire, people answer or do not,
// providers fail, and the script says who must have been rung by then.
//
// It promises the real engine over the memory store, with nothing replaced but the clock and the providers; that time
// moves from due instant to due instant, so that nothing is skipped; and that the same script and configuration always
// come to the same end. It is what `pagerd test` runs in its users' CI and what pagerd's own end-to-end tests are written in.
//
// # The language
//
// A statement ends with its line or with a semicolon; # begins a comment; a newline inside braces is a space. Times are
// wall-clock times of the zone that start names. Brackets mark what may be left out.
//
//	start 2026-03-28 00:00 [Europe/Madrid]      must come first; else a Monday, 09:00 UTC
//	at 03:00 · at Sat 03:00 · at 2026-03-29 02:30    the first such moment not before now; another statement may follow
//	wait 5m                                     90s, 5m, 1h30m, 2d; a day is 24 hours
//
//	fire NAME [{label=value, …}] [summary "…"] [annotations {…}] [source NAME] [times N] [once]
//	resolve NAME
//	alertmanager FILE [source NAME]             a body that was really sent; FILE is seen from the script's directory
//	cloudwatch FILE [source NAME]
//
//	ana replies 4 [at once] · ana replies "ack 1001" · ana replies "page db to 1001"
//	ana answers · ana presses 4 · ana hangs up · ana does not answer · ana is busy · ana lets voicemail answer
//	ana does not get the sms
//	ana follows link ack                        ack, resolve, escalate, noise, mitigated
//	ana runs ack 1001                           ack, unack, resolve, escalate, noise, note N "…", severity N SEV-2,
//	                                            mitigated, close, confirm, dismiss N "…", phase N mitigation, cause N "…",
//	                                            call N "db", merge N M, move N PAGE: as on the command line;
//	                                            write N "the cause" (answers every question of the postmortem and adds an
//	                                            action item of ana's, due in two weeks), review N, publish N, waive N "…", done ACTION;
//	                                            tell N "…" (an update to the stakeholders)
//
//	fail sms|call|email [for ana] [permanently | with REASON] [for 10m]
//	heal sms|call|email
//
//	expect sms|call|email [ana] ["fragment" …] [at 03:02[:00]]
//	expect no sms|call|email [ana] ["fragment" …]
//	expect nothing
//	expect reply "fragment" … · expect no reply
//	expect page [1001] [held|triggered|acknowledged|resolved] [by ana] [round 2] [step 2] [firing 3] [severity SEV-2]
//	expect severity SEV-2 · expect step 2       of the newest page
//	expect no page [1001]                       without a number: no open page
//	expect incident [1001] [candidate|open|mitigated|resolved|dismissed|merged] [phase triage] [commander ana] [severity SEV-2]
//	expect no incident [1001]
//	expect postmortem N [draft|in_review|published|waived] [owner ana] [overdue] · expect no postmortem N
//	expect oncall platform[/secondary] is ana|nobody
//	expect timeline [1001] "fragment" …
//	print                                       shows the story so far
//
// Expectations see what happened since the script last looked: the first statement after some expectations forgets what
// came before it. A message meets one expectation. Messages that nobody expects are no mistake, unless the script says
// expect nothing. Fragments are compared in any case.
//
// The same name is the same alert. While it fires, an Alertmanager source repeats it every four hours, as Alertmanager does
// by default, unless the script says once. With times N it is N alerts, and a * in labels and annotations is the number.
// A call that nobody answers ends after 25 seconds. People read for ten seconds before they reply, unless at once.
package scenario
