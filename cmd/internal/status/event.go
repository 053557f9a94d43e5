package status

import "time"

// Event is something that happened, for those who tell or record it: one of the
// types below. What is so at a moment is in Status.
type Event interface {
	// Name is the event's name in syslog.
	Name() string
}

// ClockStepped is a step of the served clock.
type ClockStepped struct {
	By time.Duration // positive: forward
}

// StateChanged is another state of the clock; the first one, too.
type StateChanged struct{ Step }

// ClassChanged is another clockClass that is announced, or the service's begin.
type ClassChanged struct {
	Step
	Accuracy string // in words
}

// ServiceStopped says that nothing is served, and why.
type ServiceStopped struct {
	Step
	Served bool // until now; false: nothing has been served yet
}

// AlarmRaised is an alarm that is shown from now on.
type AlarmRaised struct{ Alarm }

// AlarmCleared is one that is shown no more.
type AlarmCleared struct{ Alarm }

// Peer names a client by where it is and who it says it is.
type Peer struct {
	Address  string
	Identity string
}

// ClientChanged is a client that came or went.
type ClientChanged struct {
	Peer
	What string
}

// ClientGranted is a grant that was given, renewed or ended.
type ClientGranted struct {
	Peer
	What     string
	Message  string // the type granted
	Interval int8   // log2 of the interval in s
	Seconds  uint32
}

// ClientDenied is a request that was not granted, or a message not answered.
type ClientDenied struct {
	Peer
	What    string
	Message string
	Why     string
	Domain  uint8 // of the message
}

// SettingChanged is a setting that a client changed by management.
type SettingChanged struct{ Peer }

// ReceiverPort is what happened to the receiver's serial port.
type ReceiverPort struct {
	What string
	Bad  bool
}

// ReceiverSetUp is what happened as the receiver was set up.
type ReceiverSetUp struct {
	What string
	Bad  bool
}

// ClockResumed says that the clock goes on where the last process left it.
type ClockResumed struct {
	StateName string
	AwayS     float64
	OffNs     int64 // what the clock was found to be off by
}

// GrantsResumed says that clients go on with the grants of the last process.
type GrantsResumed struct {
	Clients, Expired, Refused int
}

// NotResumed says what of the last process is not used, and why.
type NotResumed struct{ Why string }

// AnnounceLate says that clients waited more than a second for an Announce.
type AnnounceLate struct {
	Gap              time.Duration
	Clients          uint64
	LookingElsewhere string // who will have looked for another grandmaster
}

// DrainChanged is the operator's word that clients are to go, or may come again.
type DrainChanged struct{ On bool }

// ReceiverAccepted is the operator's word that the receiver is right.
type ReceiverAccepted struct{ Forgotten []string }

// AcceptRefused says why the receiver cannot be accepted.
type AcceptRefused struct{ Why string }

// StepOrdered is the operator's order to step the clock to the pulse, by the error
// that it had; positive: the clock is ahead.
type StepOrdered struct{ ErrorNs float64 }

// StepRefused says why the clock is not stepped.
type StepRefused struct{ Why string }

// Reloaded names the keys whose change is applied, and those that wait for a
// restart.
type Reloaded struct{ Applied, Waiting []string }

// ReloadRefused says why the old configuration stays.
type ReloadRefused struct{ Why string }

// OpinionServer is what became of asking another source of time.
type OpinionServer struct {
	Server string
	What   string
}

// SyncModeChosen is how the time gets into a Sync from now on.
type SyncModeChosen struct {
	Mode  string
	Why   string
	First bool // the service begins with it
}

// NoTwins says why the hardware's stamps are not measured by twins.
type NoTwins struct{ Why string }

// LinkChanged is a link that came up or went down.
type LinkChanged struct {
	Interface string
	Up        bool
	Changes   uint64 // of its carrier, since it is there
}

// InterfaceRenamed is an interface's new name.
type InterfaceRenamed struct{ Was, Now string }

// LinkUnwatched says why the link's changes are seen late.
type LinkUnwatched struct{ Why string }

// Missed counts events that a watcher was too slow for.
type Missed struct{ Events int }

// The names in syslog.
func (ClockStepped) Name() string     { return "CLOCK_STEP" }
func (StateChanged) Name() string     { return "CLOCK_STATE" }
func (ClassChanged) Name() string     { return "CLOCK_CLASS" }
func (ServiceStopped) Name() string   { return "SERVICE" }
func (AlarmRaised) Name() string      { return "ALARM" }
func (AlarmCleared) Name() string     { return "ALARM_CLEARED" }
func (ClientChanged) Name() string    { return "CLIENT" }
func (ClientGranted) Name() string    { return "CLIENT_GRANT" }
func (ClientDenied) Name() string     { return "CLIENT_DENIED" }
func (SettingChanged) Name() string   { return "MANAGEMENT_SET" }
func (ReceiverPort) Name() string     { return "RECEIVER" }
func (ReceiverSetUp) Name() string    { return "RECEIVER_SETUP" }
func (ClockResumed) Name() string     { return "RESUMED" }
func (GrantsResumed) Name() string    { return "RESUMED" }
func (NotResumed) Name() string       { return "NOT_RESUMED" }
func (AnnounceLate) Name() string     { return "ANNOUNCE_GAP" }
func (DrainChanged) Name() string     { return "DRAIN" }
func (ReceiverAccepted) Name() string { return "ACCEPTED" }
func (AcceptRefused) Name() string    { return "ACCEPT_REFUSED" }
func (StepOrdered) Name() string      { return "STEP_ORDERED" }
func (StepRefused) Name() string      { return "STEP_REFUSED" }
func (Reloaded) Name() string         { return "RELOAD" }
func (ReloadRefused) Name() string    { return "RELOAD_REFUSED" }
func (OpinionServer) Name() string    { return "SECOND_OPINION" }
func (SyncModeChosen) Name() string   { return "SYNC_MODE" }
func (NoTwins) Name() string          { return "SYNC_MODE" }
func (LinkChanged) Name() string      { return "LINK" }
func (InterfaceRenamed) Name() string { return "LINK" }
func (LinkUnwatched) Name() string    { return "LINK" }
func (Missed) Name() string           { return "MISSED" }
