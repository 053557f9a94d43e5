package status

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Event is something that happened, for those who tell or record it: one of the
// types below. What is so at a moment is in Status.
type Event interface {
	// Words are the event's, which every face uses.
	Words() Words
}

// ClockStepped is a step of the served clock.
type ClockStepped struct {
	By time.Duration // positive: forward
}

func (e ClockStepped) Words() Words {
	return Words{TopicClock, "CLOCKSTEP", Warning, "the clock was stepped by " + signed(e.By), Fields{{"by_ns", e.By.Nanoseconds()}}}
}

// StateChanged is another state of the clock; the first one, too.
type StateChanged struct {
	Step
	Before string // its StateName; "": none
}

func (e StateChanged) Words() Words {
	return Words{TopicState, "CLOCKSTATE", Notice, fromTo(e.Before, e.StateName) + because(e.Why),
		Fields{{"state", e.State}, {"state_name", e.StateName}, {"before", e.Before}, {"why", strings.Join(e.Why, ", ")}}}
}

// ClassChanged is another clockClass that is announced, or the service's begin.
type ClassChanged struct {
	Step
	Before    uint8    // the class that was announced until now; 0: nothing was
	Accuracy  string   // in words
	ForecastS *float64 // how long class 7 would last, or will; nil: not known
}

func (e ClassChanged) Words() Words {
	severity, before := Notice, ""
	if e.ClockClass > 6 {
		severity = Warning
	}
	if e.Before != 0 {
		before = fmt.Sprint(e.Before)
	}
	text := fromTo(before, fmt.Sprint(e.ClockClass)) + ", " + e.StateName
	fields := Fields{{"class", e.ClockClass}, {"before", e.Before}, {"state", e.State}, {"accuracy", e.Accuracy}, {"why", strings.Join(e.Why, ", ")}}
	if e.ForecastS != nil && *e.ForecastS > 0 && e.ClockClass < 52 {
		text += ", forecast " + Span(*e.ForecastS)
		fields = append(fields, Field{"forecast_s", math.Round(*e.ForecastS)})
	}
	return Words{TopicClass, "CLOCKCLASS", severity, text, fields}
}

// ServiceStopped says that nothing is served, and why.
type ServiceStopped struct {
	Step
	Served bool // until now; false: nothing has been served yet
}

func (e ServiceStopped) Words() Words {
	w := Words{TopicClass, "SERVICE", Notice, "nothing is served yet", Fields{{"serving", false}, {"why", strings.Join(e.Why, ", ")}}}
	if e.Served {
		w.Severity, w.Text = Warning, "nothing is served any more"
	}
	w.Text += because(e.Why)
	return w
}

// AlarmRaised is an alarm that is shown from now on.
type AlarmRaised struct{ Alarm }

func (e AlarmRaised) Words() Words {
	text := e.Code + ": " + e.Text
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return Words{TopicAlarm, "ALARM", e.syslog(), text + "; " + e.Consequence + "; fix: " + e.Fix,
		Fields{{"code", e.Code}, {"severity", e.Severity}, {"detail", e.Detail}, {"cause", e.Cause}, {"consequence", e.Consequence}, {"fix", e.Fix}}}
}

// AlarmCleared is one that is shown no more. Cause: what is wrong goes on, and this alarm
// is shown in its place. "": it is over.
type AlarmCleared struct {
	Alarm
	Cause string
}

func (e AlarmCleared) Words() Words {
	if e.Cause != "" {
		return Words{TopicAlarm, "ALARM_CLEARED", Notice, e.Code + " goes on and is part of " + e.Cause + ", which is shown in its place: " + e.Text,
			Fields{{"code", e.Code}, {"severity", "cleared"}, {"in_place", e.Cause}}}
	}
	return Words{TopicAlarm, "ALARM_CLEARED", Notice, e.Code + " cleared: " + e.Text, Fields{{"code", e.Code}, {"severity", "cleared"}}}
}

// Peer names a client by where it is and who it says it is.
type Peer struct {
	Address  string
	Identity string
	Name     string // of master.expected, "" for none
}

func (p Peer) words(name string, severity Severity, what string, more ...Field) Words {
	who, fields := p.Address, Fields{{"address", p.Address}, {"identity", p.Identity}}
	if p.Name != "" {
		who, fields = p.Address+" ("+p.Name+")", append(fields, Field{"name", p.Name})
	}
	return Words{TopicClient, name, severity, who + " " + what, append(fields, more...)}
}

// ClientChanged is a client that came or went.
type ClientChanged struct {
	Peer
	What string
}

func (e ClientChanged) Words() Words {
	return e.words("CLIENT", Notice, "is a "+e.What+", "+e.Identity, Field{"what", e.What})
}

// ClientGranted is a grant that was given or ended.
type ClientGranted struct {
	Peer
	What     string
	Message  string // the type granted
	Interval int8   // log2 of the interval in s
	Seconds  uint32
}

func (e ClientGranted) Words() Words {
	what := fmt.Sprintf("%s: %s, %s", e.What, e.Message, rate(e.Interval))
	if e.Seconds > 0 {
		what += fmt.Sprintf(", for %d s", e.Seconds)
	}
	return e.words("CLIENT_GRANT", Info, what, Field{"what", e.What}, Field{"message", e.Message}, Field{"interval", e.Interval}, Field{"seconds", e.Seconds})
}

// ClientDenied is a request that was not granted, or a message not answered.
type ClientDenied struct {
	Peer
	What    string
	Message string
	Why     string
	Domain  uint8 // of the message
}

func (e ClientDenied) Words() Words {
	return e.words("CLIENT_DENIED", Warning, fmt.Sprintf("%s: %s, %s, domain %d", e.What, e.Message, e.Why, e.Domain),
		Field{"what", e.What}, Field{"message", e.Message}, Field{"why", e.Why}, Field{"domain", e.Domain})
}

// SettingChanged is a setting that a client changed by management.
type SettingChanged struct{ Peer }

func (e SettingChanged) Words() Words {
	return e.words("MANAGEMENT_SET", Warning, "changed a setting by management")
}

// ReceiverPort is what happened to the receiver's serial port.
type ReceiverPort struct {
	What string
	Bad  bool
}

func (e ReceiverPort) Words() Words {
	return Words{TopicReceiver, "RECEIVER", unless(e.Bad), e.What, nil}
}

// ReceiverSetUp is what happened as the receiver was set up.
type ReceiverSetUp struct {
	What string
	Bad  bool
}

func (e ReceiverSetUp) Words() Words {
	return Words{TopicReceiver, "RECEIVER_SETUP", unless(e.Bad), e.What, nil}
}

// Started says that the daemon begins.
type Started struct{ Version, Profile, Clock, Address, Socket string }

func (e Started) Words() Words {
	return Words{TopicProgram, "START", Notice, fmt.Sprintf("bragid %s starts: board %s, clock %s, address %s", e.Version, e.Profile, e.Clock, orAny(e.Address)),
		Fields{{"version", e.Version}, {"profile", e.Profile}, {"clock", e.Clock}, {"address", e.Address}, {"socket", e.Socket}}}
}

// Stopped says that the daemon ends.
type Stopped struct{ After time.Duration }

func (e Stopped) Words() Words {
	return Words{TopicProgram, "STOP", Notice, fmt.Sprintf("bragid stops, after %v", e.After), Fields{{"after_s", e.After.Seconds()}}}
}

// ConfigDoubted is a warning of the configuration.
type ConfigDoubted struct{ What string }

func (e ConfigDoubted) Words() Words {
	return Words{TopicProgram, "CONFIG", Warning, e.What, nil}
}

// SchedulingDoubted is a policy of the processor's time that bragid did not keep.
type SchedulingDoubted struct{ What string }

func (e SchedulingDoubted) Words() Words {
	return Words{TopicProgram, "SCHEDULING", Warning, e.What, nil}
}

// Kept is what became of a file that bragi keeps: the oscillator's memory, the
// state for a restart.
type Kept struct {
	File string // "": none
	What string
	Bad  bool
}

func (e Kept) Words() Words {
	return Words{TopicProgram, "STATE", unless(e.Bad), e.What, Fields{{"file", e.File}}}
}

// ClockResumed says that the clock goes on where the last process left it.
type ClockResumed struct {
	StateName string
	AwayS     float64
	OffNs     int64 // what the clock was found to be off by
}

func (e ClockResumed) Words() Words {
	return Words{TopicProgram, "RESUMED", Notice, fmt.Sprintf("the clock goes on where it was left: %s, away for %s, off by %d ns", e.StateName, Span(e.AwayS), e.OffNs),
		Fields{{"state_name", e.StateName}, {"away_s", e.AwayS}, {"off_ns", e.OffNs}}}
}

// GrantsResumed says that clients go on with the grants of the last process.
type GrantsResumed struct {
	Clients, Expired, Refused int
}

func (e GrantsResumed) Words() Words {
	return Words{TopicProgram, "RESUMED", Notice, fmt.Sprintf("clients go on with their grants: %d, expired %d, refused %d", e.Clients, e.Expired, e.Refused),
		Fields{{"clients", e.Clients}, {"expired", e.Expired}, {"refused", e.Refused}}}
}

// NotResumed says what of the last process is not used, and why.
type NotResumed struct{ Why string }

func (e NotResumed) Words() Words {
	return Words{TopicProgram, "NOT_RESUMED", Warning, e.Why, nil}
}

// AnnounceLate says that clients waited more than a second for an Announce.
type AnnounceLate struct {
	Gap              time.Duration
	Clients          uint64
	LookingElsewhere string // who will have looked for another grandmaster
}

func (e AnnounceLate) Words() Words {
	return Words{TopicClient, "ANNOUNCE_GAP", Warning, fmt.Sprintf("Announce was late: %v for %s; %s looked for another grandmaster", e.Gap, Count(e.Clients, "client"), e.LookingElsewhere),
		Fields{{"gap_s", e.Gap.Seconds()}, {"clients", e.Clients}, {"looking_elsewhere", e.LookingElsewhere}}}
}

// ClientsUnsaid counts events of clients that came faster than they are told.
type ClientsUnsaid struct {
	Events uint64
	From   string // whose the last of them was
}

func (e ClientsUnsaid) Words() Words {
	return Words{TopicClient, "CLIENT_UNSAID", Warning, fmt.Sprintf("%d more events of clients are not told: they come too fast, the last from %s", e.Events, e.From),
		Fields{{"events", e.Events}, {"from", e.From}}}
}

// DrainChanged is the operator's word that clients are to go, or may come again.
type DrainChanged struct{ On bool }

func (e DrainChanged) Words() Words {
	if e.On {
		return Words{TopicOperator, "DRAIN", Warning, "drained: every client is sent away, nothing is granted", Fields{{"on", true}}}
	}
	return Words{TopicOperator, "DRAIN", Notice, "the drain has ended", Fields{{"on", false}}}
}

// HoldoverForced is the operator's word that no pulse is used, or that pulses are used
// again.
type HoldoverForced struct {
	On    bool
	Still bool // the last process had it too
	Lost  bool // it ends with a clock that begins anew
}

func (e HoldoverForced) Words() Words {
	switch {
	case e.Still:
		return Words{TopicOperator, "HOLDOVER_FORCED", Warning, "holdover is still forced: no pulse is used", Fields{{"on", true}}}
	case e.On:
		return Words{TopicOperator, "HOLDOVER_FORCED", Warning, "the operator forces holdover: no pulse is used", Fields{{"on", true}}}
	case e.Lost:
		return Words{TopicOperator, "HOLDOVER_RELEASED", Warning, "forced holdover has ended: the clock begins anew, there is nothing to hold", Fields{{"on", false}}}
	}
	return Words{TopicOperator, "HOLDOVER_RELEASED", Notice, "the operator releases holdover: pulses are used again", Fields{{"on", false}}}
}

// HoldoverRefused says why holdover is not forced, or not released.
type HoldoverRefused struct {
	Force bool
	Why   string
}

func (e HoldoverRefused) Words() Words {
	what := "released"
	if e.Force {
		what = "forced"
	}
	return Words{TopicOperator, "HOLDOVER_REFUSED", Warning, "holdover is not " + what + ": " + e.Why, nil}
}

// ReferenceSelected: another reference is selected than before.
type ReferenceSelected struct {
	Name, Before string
	Order        string // automatic, manual, forced
	Why          string // the one before is not good, or odd; "": it is fine
}

func (e ReferenceSelected) Words() Words {
	text := "the clock follows " + e.Name + " in the place of " + e.Before
	severity := Notice
	if e.Why != "" {
		text += ": " + e.Before + ": " + e.Why
		severity = Warning
	}
	return Words{TopicClock, "REFERENCE", severity, text, Fields{{"reference", e.Name}, {"before", e.Before}, {"order", e.Order}}}
}

// SwitchOrdered is the operator's order to follow a reference; automatic: it is over.
type SwitchOrdered struct{ Name, Order string }

func (e SwitchOrdered) Words() Words {
	text := "the operator switches to the reference " + e.Name
	switch e.Order {
	case "forced":
		text += " by force"
	case "automatic":
		text = "the operator's order to follow the reference " + e.Name + " has ended: bragid chooses by itself"
	}
	return Words{TopicOperator, "REFERENCE_SWITCH", Notice, text, Fields{{"reference", e.Name}, {"order", e.Order}}}
}

// SwitchRefused says why a reference is not switched to.
type SwitchRefused struct{ Why string }

func (e SwitchRefused) Words() Words {
	return Words{TopicOperator, "REFERENCE_REFUSED", Warning, "the reference is not switched: " + e.Why, nil}
}

// ReceiverAccepted is the operator's word that a receiver is right.
type ReceiverAccepted struct {
	Names     []string // of several references; none: there is one receiver alone
	Forgotten []string
}

// whom names what the operator means.
func whom(names []string) string {
	if len(names) == 0 {
		return "the receiver"
	}
	return strings.Join(names, " and ")
}

func (e ReceiverAccepted) Words() Words {
	forgotten := strings.Join(e.Forgotten, "; ")
	accepted := whom(e.Names)
	return Words{TopicOperator, "ACCEPTED", Warning, "the operator accepts " + accepted + " as right; forgotten: " + forgotten, Fields{{"accepted", accepted}, {"forgotten", forgotten}}}
}

// AcceptRefused says why a receiver cannot be accepted.
type AcceptRefused struct {
	Name string // that the operator named; "": none
	Why  string
}

func (e AcceptRefused) Words() Words {
	name := e.Name
	if name == "" {
		name = whom(nil)
	}
	return Words{TopicOperator, "ACCEPT_REFUSED", Warning, name + " is not accepted: " + e.Why, nil}
}

// StepOrdered is the operator's order to step the clock to the pulse, by the error
// that it had; positive: the clock is ahead.
type StepOrdered struct{ ErrorNs float64 }

func (e StepOrdered) Words() Words {
	return Words{TopicOperator, "STEP_ORDERED", Warning, fmt.Sprintf("the operator steps the clock to the pulse, by %.0f ns: clients see a step", -e.ErrorNs), Fields{{"time_error_ns", e.ErrorNs}}}
}

// StepRefused says why the clock is not stepped.
type StepRefused struct{ Why string }

func (e StepRefused) Words() Words {
	return Words{TopicOperator, "STEP_REFUSED", Warning, "the clock is not stepped: " + e.Why, nil}
}

// Reloaded names the keys whose change is applied, and those that wait for a
// restart.
type Reloaded struct{ Applied, Waiting []string }

func (e Reloaded) Words() Words {
	told, fields := keys(e.Applied, e.Waiting)
	if told == "" {
		told = "nothing has changed"
	}
	return Words{TopicOperator, "RELOAD", Notice, "reloaded: " + told, fields}
}

// ReloadRefused says why the old configuration stays.
type ReloadRefused struct{ Why string }

func (e ReloadRefused) Words() Words {
	return Words{TopicOperator, "RELOAD_REFUSED", Warning, "the configuration is not reloaded, the old one stays: " + e.Why, nil}
}

// ConfigCommitted is a configuration that an operator committed.
type ConfigCommitted struct {
	Applied, Waiting []string
	Within           time.Duration // to be confirmed; 0: it is confirmed
	Rollback         int           // the number of the previous text that it is; 0: another text
}

// ConfigLeft is a console that was cut off with changes that were not committed.
type ConfigLeft struct{ Keys []string }

func (e ConfigLeft) Words() Words {
	keys := strings.Join(e.Keys, " ")
	return Words{TopicOperator, "CONFIG_LEFT", Warning, "a console was cut off before its changes were committed: " + keys + " (fix: recover, in configure terminal)", Fields{{"keys", keys}}}
}

// ConfigConfirmed is an operator's word that a commit stays.
type ConfigConfirmed struct{}

// ConfigTakenBack is a commit that nobody confirmed.
type ConfigTakenBack struct {
	Applied, Waiting []string
	Starts           bool // it is taken back as the daemon starts
	Restarts         bool // the daemon starts anew, since keys wait for that
	Edited           bool // the file was edited since the commit
}

// ConfigRefused says why a commit changed nothing.
type ConfigRefused struct{ Why string }

// keys are those that were applied and those that wait, as words and as fields.
func keys(applied, waiting []string) (string, Fields) {
	var parts []string
	if len(applied) > 0 {
		parts = append(parts, "applied "+strings.Join(applied, " "))
	}
	if len(waiting) > 0 {
		parts = append(parts, "waiting for a restart "+strings.Join(waiting, " "))
	}
	return strings.Join(parts, "; "), Fields{{"applied", strings.Join(applied, " ")}, {"needs_restart", strings.Join(waiting, " ")}}
}

// and is a text with what follows it, if anything does.
func and(text, more string) string {
	if more == "" {
		return text
	}
	return text + ": " + more
}

func (e ConfigCommitted) Words() Words {
	text := "the configuration is committed"
	if e.Rollback > 0 {
		text = fmt.Sprintf("the configuration is rolled back to number %d", e.Rollback)
	}
	if e.Within > 0 {
		text += fmt.Sprintf(", and taken back in %v unless somebody confirms it", e.Within)
	}
	told, fields := keys(e.Applied, e.Waiting)
	return Words{TopicOperator, "CONFIG_COMMIT", Notice, and(text, told), append(fields, Field{"within_s", e.Within.Seconds()}, Field{"rollback", e.Rollback})}
}

func (e ConfigConfirmed) Words() Words {
	return Words{TopicOperator, "CONFIG_CONFIRM", Notice, "the latest commit of the configuration is confirmed", nil}
}

func (e ConfigTakenBack) Words() Words {
	text := "nobody confirmed the latest commit in time, the one that was confirmed last runs"
	switch {
	case e.Starts:
		text = "nobody confirmed the latest commit in time, bragid starts with the one that was confirmed last"
	case e.Restarts:
		text += " after a restart"
	}
	if e.Edited {
		text += ", and the file that was edited meanwhile is kept as previous 1 (fix: bragi config rollback 1 takes it)"
	}
	told, fields := keys(e.Applied, e.Waiting)
	return Words{TopicOperator, "CONFIG_TAKEN_BACK", Warning, and(text, told), fields}
}

func (e ConfigRefused) Words() Words {
	return Words{TopicOperator, "CONFIG_REFUSED", Warning, "the configuration is not committed: " + strings.ReplaceAll(e.Why, "\n", " "), nil}
}

// OpinionServer is what became of asking another source of time.
type OpinionServer struct {
	Server string
	What   string
}

func (e OpinionServer) Words() Words {
	return Words{TopicReceiver, "SECOND_OPINION", Notice, "second opinion: " + e.Server + ": " + e.What, Fields{{"server", e.Server}}}
}

// SurveyOrdered is the operator's order to survey the antenna's position anew.
type SurveyOrdered struct{}

func (e SurveyOrdered) Words() Words {
	return Words{TopicOperator, "SURVEY_ORDERED", Notice, "the operator lets the receiver survey its position anew", nil}
}

// SurveyRefused says why there is no survey.
type SurveyRefused struct{ Why string }

func (e SurveyRefused) Words() Words {
	return Words{TopicOperator, "SURVEY_REFUSED", Warning, "the position is not surveyed: " + e.Why, nil}
}

// SystemClockSet is the system clock that was set, since nobody else keeps it, or why it
// was not.
type SystemClockSet struct {
	By  time.Duration // positive: forward
	Why string        // it was not; "": it was
}

func (e SystemClockSet) Words() Words {
	if e.Why != "" {
		return Words{TopicClock, "SYSTEM_CLOCK", Warning, "the system clock cannot be set: " + e.Why, Fields{{"why", e.Why}}}
	}
	return Words{TopicClock, "SYSTEM_CLOCK", Notice, "the system clock was set by " + e.By.String() + ", nobody else keeps it", Fields{{"by_s", e.By.Seconds()}}}
}

// LeapFileRead is a table of leap seconds that was replaced and is used now.
type LeapFileRead struct {
	File  string
	Until string // it is complete
}

func (e LeapFileRead) Words() Words {
	return Words{TopicReceiver, "LEAP_FILE", Notice, "the table of leap seconds was replaced and is used: complete until " + e.Until, Fields{{"file", e.File}, {"until", e.Until}}}
}

// SyncModeChosen is how the time gets into a Sync from now on.
type SyncModeChosen struct {
	Mode  string
	Why   string
	First bool // the service begins with it
}

func (e SyncModeChosen) Words() Words {
	return Words{TopicNetwork, "SYNC_MODE", unless(!e.First), "Sync: " + e.Mode + because([]string{e.Why}), Fields{{"mode", e.Mode}, {"why", e.Why}}}
}

// NoTwins says why the hardware's stamps are not measured by twins.
type NoTwins struct{ Why string }

func (e NoTwins) Words() Words { return Words{TopicNetwork, "SYNC_MODE", Warning, e.Why, nil} }

// LinkChanged is a link that came up or went down.
type LinkChanged struct {
	Interface string
	Up        bool
	Changes   uint64 // of its carrier, since it is there
}

func (e LinkChanged) Words() Words {
	word := "down"
	if e.Up {
		word = "up"
	}
	return Words{TopicNetwork, "LINK", Warning, fmt.Sprintf("link %s: %s, %s since the interface is there", word, e.Interface, Count(e.Changes, "change")),
		Fields{{"interface", e.Interface}, {"up", e.Up}, {"changes", e.Changes}}}
}

// InterfaceRenamed is an interface's new name.
type InterfaceRenamed struct{ Was, Now string }

func (e InterfaceRenamed) Words() Words {
	return Words{TopicNetwork, "LINK", Warning, "the interface " + e.Was + " is now named " + e.Now, Fields{{"was", e.Was}, {"interface", e.Now}}}
}

// LinkUnwatched says why the link's changes are seen late.
type LinkUnwatched struct{ Why string }

func (e LinkUnwatched) Words() Words { return Words{TopicNetwork, "LINK", Warning, e.Why, nil} }

// Missed counts events that a watcher was too slow for, or came too late for.
type Missed struct {
	Events   uint64
	LastLife bool // those before the daemon's start, whose number nobody knows, too
}

func (e Missed) Words() Words {
	text := "missing here, and kept no more: " + Count(e.Events, "event")
	if e.LastLife {
		text = "the daemon was started anew: events before its start are missing here"
	}
	return Words{TopicMissed, "MISSED", Warning, text, Fields{{"events", e.Events}}}
}

// signed is a duration with its sign, also where it is positive.
func signed(d time.Duration) string {
	if d > 0 {
		return "+" + d.String()
	}
	return d.String()
}

// unless is the severity of what may be bad.
func unless(bad bool) Severity {
	if bad {
		return Warning
	}
	return Notice
}

// because are the reasons behind a text.
func because(why []string) string {
	if text := strings.Join(why, ", "); text != "" {
		return ": " + text
	}
	return ""
}

// fromTo is a change; without a before it is only what it is now.
func fromTo(before, now string) string {
	if before == "" {
		return now
	}
	return before + " -> " + now
}

func orAny(address string) string {
	if address == "" {
		return "any"
	}
	return address
}

// Count is a number of things: "1 client", "2 clients".
func Count[N int | uint32 | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprint(n) + " " + thing + "s"
}

// rate is an interval of 2^log s in words.
func rate(log int8) string {
	if log <= 0 {
		return fmt.Sprintf("%g/s", math.Exp2(-float64(log)))
	}
	return fmt.Sprintf("every %g s", math.Exp2(float64(log)))
}

// Span is a time in s, as short as an operator reads it: 4.4 h, 12 min, 30 s.
func Span(s float64) string {
	switch {
	case s >= 2*86400:
		return fmt.Sprintf("%.1f d", s/86400)
	case s >= 3600:
		return fmt.Sprintf("%.1f h", s/3600)
	case s >= 120:
		return fmt.Sprintf("%.0f min", s/60)
	}
	return fmt.Sprintf("%.0f s", s)
}
