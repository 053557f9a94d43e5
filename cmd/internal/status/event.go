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

// Missed counts events that a watcher was too slow for.
type Missed struct{ Events int }

// The names in syslog.
func (ClockStepped) Name() string   { return "CLOCK_STEP" }
func (StateChanged) Name() string   { return "CLOCK_STATE" }
func (ClassChanged) Name() string   { return "CLOCK_CLASS" }
func (ServiceStopped) Name() string { return "SERVICE" }
func (AlarmRaised) Name() string    { return "ALARM" }
func (AlarmCleared) Name() string   { return "ALARM_CLEARED" }
func (ClientChanged) Name() string  { return "CLIENT" }
func (ClientGranted) Name() string  { return "CLIENT_GRANT" }
func (ClientDenied) Name() string   { return "CLIENT_DENIED" }
func (SettingChanged) Name() string { return "MANAGEMENT_SET" }
func (ReceiverPort) Name() string   { return "RECEIVER" }
func (ReceiverSetUp) Name() string  { return "RECEIVER_SETUP" }
func (Missed) Name() string         { return "MISSED" }
