// Package twiliosim is a simulated Twilio for demonstrations and tests: a REST API, signed callbacks, a TwiML
// interpreter and telephones that a test or a person at a browser can pick up.
//
// It promises to share no code with what it tests: it signs, parses and speaks with its own means and imports the
// standard library only. Outside it speaks Twilio's protocol, inside it speaks the language of the person with the
// telephone: messages, ringing, answering, pressing a digit. Nothing in it sleeps but through [Clock], and every
// goroutine it starts ends in [Sim.Close].
package twiliosim

import (
	"context"
	"html/template"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Options configure a Sim. The zero value is usable: an account whose SID and token are the defaults below, any
// sender, no inbound webhook, and no artificial delays.
type Options struct {
	AccountSID string            // "AC" and 32 hex digits; default DefaultAccountSID
	AuthToken  string            // letters and digits only; default DefaultAuthToken; also signs every callback
	APIKeys    map[string]string // further Basic credentials, SK… to secret; callbacks stay signed with AuthToken
	Numbers    []string          // numbers of the account, the first is the default sender; empty: any From is accepted

	SMSURL              string // where inbound messages are posted (the whole public URL); see SetSMSURL
	MessagingServiceSID string // "MG…", sent with inbound messages; empty: left out

	Pace           Pace    // how long things take; zero: at once
	CallsPerSecond float64 // calls leave the queue no faster than this (a real account starts with 1); 0: no limit

	Client *http.Client // delivers callbacks and fetches TwiML; default: an own client with Twilio's 15 s limit
	Clock  Clock        // default: the time package
	Seed   uint64       // of the probabilities; the same seed and the same order of requests give the same faults

	MaxMessages int       // kept messages, oldest dropped first; default 10,000
	MaxCalls    int       // kept calls, oldest dropped first; default 10,000
	MaxLog      int       // kept log entries, oldest dropped first; default 50,000
	Log         io.Writer // every log entry as one JSON line, written at once; nil: kept in memory only

	// The page of telephones.
	Title   string            // default "Telephones"
	People  map[string]string // number → name; these numbers are shown even before anything happened
	Actions []Action          // buttons above the telephones
	Links   []Link            // links in the page's head
	Extra   http.Handler      // serves every path that the page itself does not know, such as those of Actions
	// Panel is called for every rendering and shown between the actions and the telephones. It is trusted markup: its
	// author escapes. The page's content security policy forbids inline scripts and styles in it.
	Panel func() template.HTML
}

// Defaults of an account that is not configured. Both satisfy the checks of Twilio's own client libraries.
const (
	DefaultAccountSID = "AC00000000000000000000000000000001"
	DefaultAuthToken  = "5e1f0000000000000000000000005e1f"
	DefaultNumber     = "+15005550006" // Twilio's documented test sender
)

// Action is a button on the page that POSTs an empty form to Path, to be served by Options.Extra. The handler should
// answer 303 with Location "/".
type Action struct {
	Title  string
	Detail string
	Path   string
}

// Link is a link in the head of the page.
type Link struct {
	Title string
	Href  string
}

// Pace says how long things take. All zero: at once, what a test wants.
type Pace struct {
	Sent      time.Duration // an SMS is queued this long before it is sent
	Delivered time.Duration // and sent this long before it is delivered
	Dial      time.Duration // a call is queued this long before it is initiated
	Ring      time.Duration // and initiated this long before it rings
	Detect    time.Duration // machine detection takes this long after answering (about 4 s in reality)
	Character time.Duration // speaking takes this long for each character
}

// HumanPace is a pace at which a demonstration can be followed: about a second for an SMS, 15 characters spoken a second.
func HumanPace() Pace {
	return Pace{
		Sent: 300 * time.Millisecond, Delivered: 700 * time.Millisecond,
		Dial: 300 * time.Millisecond, Ring: 700 * time.Millisecond,
		Detect: time.Second, Character: 66 * time.Millisecond,
	}
}

// Sim is a simulated Twilio account with the telephones it can reach. Its methods may be called from any goroutine.
type Sim struct {
	opt    Options
	clock  Clock
	client *http.Client
	owned  bool // the client is ours: its idle connections are closed with us
	api    operations
	epoch  uint64 // tells the SIDs of this Sim from those of an earlier one

	ctx    context.Context // ends in Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex // guards all below
	closed   bool
	changed  chan struct{} // closed and replaced at every change: what waiting helpers and the page listen to
	version  uint64        // counts the changes
	rand     *rand.Rand
	serial   uint64 // of SIDs
	smsURL   string
	nextDial time.Time // when the next call may leave the queue, under CallsPerSecond
	messages []*message
	bySID    map[string]*message
	calls    []*call
	callSID  map[string]*call
	phones   map[string]*handset
	faults   []*activeFault
	lastID   int
	callback CallbackFaults
	held     []pendingCallback // held back by CallbackFaults.Reorder
	log      []Entry
	logErr   error
}

// New starts a simulated Twilio. The caller must Close it.
func New(opt Options) *Sim {
	opt.AccountSID = orDefault(opt.AccountSID, DefaultAccountSID)
	opt.AuthToken = orDefault(opt.AuthToken, DefaultAuthToken)
	opt.Title = orDefault(opt.Title, "Telephones")
	opt.MaxMessages = atLeastOne(opt.MaxMessages, 10_000)
	opt.MaxCalls = atLeastOne(opt.MaxCalls, 10_000)
	opt.MaxLog = atLeastOne(opt.MaxLog, 50_000)
	s := &Sim{
		opt: opt, clock: opt.Clock.orReal(), client: opt.Client, api: twilioOperations(),
		changed: make(chan struct{}),
		rand:    rand.New(rand.NewPCG(opt.Seed, 0x7457_1110)),
		smsURL:  opt.SMSURL,
		bySID:   map[string]*message{}, callSID: map[string]*call{}, phones: map[string]*handset{},
	}
	if s.client == nil {
		s.client = ownClient()
		s.owned = true
	}
	s.epoch = uint64(s.clock.Now().UnixNano())
	for number := range opt.People {
		s.handset(number)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close ends all calls, callbacks and waiting helpers and returns when every goroutine has ended. The page's event
// streams end too, so Close the Sim before http.Server.Shutdown. Closing twice is harmless.
func (s *Sim) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
	if s.owned {
		s.client.CloseIdleConnections()
	}
}

// AccountSID is the SID that requests must name and log in with.
func (s *Sim) AccountSID() string { return s.opt.AccountSID }

// AuthToken is the password of the API and the key of every signature.
func (s *Sim) AuthToken() string { return s.opt.AuthToken }

// SetSMSURL says where inbound messages are posted from now on: the whole public URL, as it is signed.
func (s *Sim) SetSMSURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.smsURL = url
}

// Phone is the telephone with this E.164 number. It always exists: it needs no registration.
func (s *Sim) Phone(number string) *Phone { return &Phone{sim: s, number: number} }

// Messages are all messages still kept, oldest first, both directions.
func (s *Sim) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return messageViews(s.messages)
}

// Calls are all calls still kept, oldest first.
func (s *Sim) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return callViews(s.calls)
}

// goRun runs f in a goroutine that Close waits for; after Close it does nothing.
func (s *Sim) goRun(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.goRunLocked(f)
}

func (s *Sim) goRunLocked(f func()) {
	if s.closed {
		return
	}
	s.wg.Go(f)
}

// touch tells everybody who waits that something changed. The caller holds mu.
func (s *Sim) touch() {
	s.version++
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait calls check under mu now and after every change until it reports true. It returns ctx's error, or ErrClosed.
func (s *Sim) wait(ctx context.Context, check func() bool) error {
	for {
		s.mu.Lock()
		ok, changed := check(), s.changed
		s.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ctx.Done():
			return ErrClosed
		}
	}
}

// sleep waits for d on the clock. It reports false when ctx ended first.
func (s *Sim) sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	c, stop := s.clock.Timer(d)
	defer stop()
	select {
	case <-c:
		return true
	case <-ctx.Done():
		return false
	}
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func atLeastOne(n, def int) int {
	if n <= 0 {
		return def
	}
	return n
}
