package alarms

import "time"

// The codes of all alarms.
const (
	ReceiverDevice Code = "RECEIVER_DEVICE"
	ReceiverSilent Code = "RECEIVER_SILENT"
	ReceiverSetup  Code = "RECEIVER_SETUP"
	NoFix          Code = "GNSS_NO_FIX"
	BadDate        Code = "GNSS_DATE"
	NoPulse        Code = "GNSS_NO_PULSE"
	PulseGlitch    Code = "GNSS_PULSE_GLITCH"
	PulseDisagrees Code = "GNSS_PULSE_DISAGREES"
	PulseEdge      Code = "GNSS_PULSE_EDGE"
	PulseLength    Code = "GNSS_PULSE_LENGTH"
	PulseDevice    Code = "PULSE_DEVICE"
	PulseRejected  Code = "PULSE_REJECTED"
	BoardClock     Code = "BOARD_CLOCK"
	ClockFreerun   Code = "CLOCK_FREERUN"
	ClockHoldover  Code = "CLOCK_HOLDOVER"
	ClockOutOfSpec Code = "CLOCK_OUT_OF_SPEC"
	ClockRelocking Code = "CLOCK_RELOCKING"
	AddressMissing Code = "ADDRESS_MISSING"
	LinkDown       Code = "LINK_DOWN"
	ClientDenied   Code = "CLIENT_DENIED"
	WrongDomain    Code = "WRONG_DOMAIN"
	ForeignTarget  Code = "FOREIGN_TARGET"
	ServiceLost    Code = "SERVICE_LOST"
	Drained        Code = "DRAINED"

	ClientUnreachable Code = "CLIENT_UNREACHABLE"
	ClientStarved     Code = "CLIENT_STARVED"
	ClientTable       Code = "CLIENT_TABLE_SHORT"

	NoReceiveStamps Code = "NO_RECEIVE_STAMPS"
	HardwareStamps  Code = "HARDWARE_STAMPS"
	ResidualHigh    Code = "RESIDUAL_HIGH"
	PulseNoisy      Code = "PULSE_NOISY"
	NoThermometer   Code = "NO_THERMOMETER"
	ClockStepped    Code = "CLOCK_STEPPED"
	ClockSlewsLong  Code = "CLOCK_SLEWS_LONG"
	ClockAtLimit    Code = "CLOCK_AT_LIMIT"
	LeapTableOld    Code = "LEAP_TABLE_EXPIRED"
	ClockSettles    Code = "CLOCK_SETTLES"
	ClockWaits      Code = "CLOCK_WAITS"
	ClockLearns     Code = "CLOCK_LEARNS"
	SkyDoubted      Code = "SKY_DOUBTED"
	ClockAcquires   Code = "CLOCK_ACQUIRES"
	AnnounceLies    Code = "ANNOUNCE_CONTRADICTS"

	Antenna           Code = "ANTENNA_FAULT"
	AntennaDoubted    Code = "ANTENNA_UNSUPERVISED"
	Spoofing          Code = "GNSS_SPOOFING"
	Jamming           Code = "GNSS_JAMMING"
	Jammed            Code = "GNSS_JAMMING_WARNING"
	Moved             Code = "GNSS_POSITION_MOVED"
	TimeJump          Code = "GNSS_TIME_JUMP"
	LeapFault         Code = "GNSS_LEAP_SECONDS"
	LeapUnproven      Code = "GNSS_LEAP_SECONDS_UNPROVEN"
	LeapFile          Code = "LEAP_FILE"
	LineFull          Code = "GNSS_LINE_FULL"
	SecondOpinion     Code = "SECOND_OPINION"
	OpinionWrong      Code = "SECOND_OPINION_WRONG"
	MessagesLate      Code = "GNSS_MESSAGES_LATE"
	Sawtooth          Code = "GNSS_SAWTOOTH"
	ConfigWaits       Code = "CONFIG_WAITS"
	ConfigUnconfirmed Code = "CONFIG_UNCONFIRMED"
	ConfigStuck       Code = "CONFIG_STUCK"
	MessagesUseless   Code = "GNSS_MESSAGES_USELESS"

	HTTPFace Code = "CONTROL_HTTP"
)

// Table is every alarm there is.
var Table = []Kind{
	{Code: ReceiverDevice, Severity: Major, Text: "the receiver's serial port cannot be opened",
		Fix: "check gnss.device, the cable and the permissions of the port; bragid keeps trying"},
	{Code: ReceiverSilent, Severity: Major, Text: "the receiver sends nothing that bragid understands",
		Fix: "check the receiver's power, its wiring (are RX and TX crossed?) and gnss.baud", CausedBy: []Code{ReceiverDevice}, Patience: 3 * time.Second},
	{Code: Antenna, Severity: Major, Text: "the antenna cable is open or shorted; bragid does not use the pulses, the clock is in holdover",
		Fix: "check the antenna cable, its connectors, the arrester and the supply", CausedBy: []Code{ReceiverDevice, ReceiverSilent}},
	{Code: AntennaDoubted, Severity: Warning, Text: "the receiver says that the antenna is open, but it has a fix; bragid may notice late when the antenna is lost",
		Fix: "do nothing where a splitter feeds the antenna; else wire the receiver's antenna supervisor"},
	{Code: AnnounceLies, Severity: Critical, Text: "what bragid would announce contradicts what it knows; it announces out of spec instead, or nothing",
		Fix: "this is a fault of bragid: send the output of bragi show tech-support; a restart of bragid may end it"},
	{Code: Spoofing, Severity: Critical, Text: "the receiver reports spoofing; bragid does not use the pulses, the clock is in holdover",
		Fix: "do not trust this sky; look for a repeater or a transmitter near the antenna, and compare with another site"},
	{Code: Jamming, Severity: Major, Text: "the receiver is jammed and its time becomes uncertain; bragid does not use the pulses, the clock is in holdover",
		Fix: "look for a transmitter near the antenna or its cable; a filter or another place may help"},
	{Code: Jammed, Severity: Minor, Text: "the receiver is jammed; its time is still good",
		Fix: "look for a transmitter near the antenna or its cable", CausedBy: []Code{Jamming}, Patience: 10 * time.Second},
	{Code: Moved, Severity: Critical, Text: "the position has changed; bragid does not use the pulses, the clock is in holdover",
		Fix: "if somebody moved the antenna: bragi clock accept receiver; if not, the sky is false"},
	{Code: TimeJump, Severity: Critical, Text: "the receiver came back with another time than the clock in holdover; bragid does not use the pulses",
		Fix: "restart the receiver; if the alarm stays and the receiver is right: bragi clock accept receiver (the clock steps, at class 52)"},
	{Code: LeapFault, Severity: Major, Text: "the receiver's count of leap seconds cannot be right; bragid does not use its time",
		Fix: "wait 15 minutes after a cold start; if the alarm stays and the receiver is right: bragi clock accept receiver, or update gnss.leap_file if a leap second was announced; else update the receiver's firmware"},
	{Code: LeapUnproven, Severity: Minor, Text: "the receiver may still use the leap seconds of its firmware; bragid does not use the pulses yet",
		Fix: "wait; a receiver with a backup battery starts at once; if its time is right: bragi clock accept receiver"},
	{Code: LeapFile, Severity: Warning, Text: "bragid cannot use the file of leap seconds; it uses the built-in table",
		Fix: "put a leap-seconds.list where gnss.leap_file says, or remove the key"},
	{Code: MessagesLate, Severity: Warning, Text: "the receiver's messages come more than a second after their pulse",
		Fix: "set a higher baud rate or fewer messages at the receiver"},
	{Code: MessagesUseless, Severity: Major, Text: "the receiver's messages do not name each whole second; bragid cannot tell which pulse is which second",
		Fix: "set the receiver to one message a second, for the whole second", CausedBy: []Code{ReceiverDevice, LineFull}, Patience: 15 * time.Second},
	{Code: LineFull, Severity: Major, Text: "the serial line of the receiver is full; its messages wait and may be seconds old",
		Fix: "set a higher baud rate or fewer messages at the receiver", CausedBy: []Code{ReceiverDevice, ReceiverSilent}},
	{Code: SecondOpinion, Severity: Critical, Text: "another source of time contradicts the receiver; bragid does not use the pulses, nobody knows which is right",
		Fix: "compare both with a clock that you trust; correct the wrong one (gnss.message_delay, the pulse's edge, the NTP servers of the system clock), or trust the receiver: bragi clock accept receiver"},
	{Code: OpinionWrong, Severity: Warning, Text: "another source of time is wrong; bragid follows the receiver",
		Fix: "correct that source, or remove it from gnss.second_opinion"},
	{Code: Sawtooth, Severity: Warning, Text: "the receiver's sawtooth correction makes the pulses worse; bragid does not use it",
		Fix: "check that the pulse comes from the output that the receiver's TIM-TP describes"},
	{Code: ReceiverSetup, Severity: Warning, Text: "a setting of the receiver is wrong",
		Fix:      "bragi show gnss names the setting; set it with the maker's program, or leave the receiver as it is with gnss.configure = false",
		CausedBy: []Code{ReceiverDevice, ReceiverSilent}},
	{Code: NoFix, Severity: Major, Text: "the receiver has no fix",
		Fix: "check the antenna, its cable and its view of the sky; a cold start takes up to 15 minutes", CausedBy: []Code{ReceiverDevice, ReceiverSilent, Antenna, LeapFault}, Patience: 3 * time.Second},
	{Code: BadDate, Severity: Critical, Text: "the receiver's date cannot be right",
		Fix: "update the receiver's firmware (GPS week rollover), or start the receiver cold", CausedBy: []Code{ReceiverDevice, ReceiverSilent}},
	{Code: NoPulse, Severity: Major, Text: "the receiver gives no pulse",
		Fix: "check the PPS wire and gnss.pps; many receivers give a pulse only with a fix", CausedBy: []Code{ReceiverDevice, ReceiverSilent, NoFix, PulseDevice}, Patience: 3 * time.Second},
	{Code: PulseEdge, Severity: Major, Text: "an edge comes each half second; bragid cannot tell which edge begins the second and does not use new pulses",
		Fix: "set a pulse of 100 ms once a second at the receiver, or name an input in gnss.pps that stamps one edge"},
	{Code: PulseLength, Severity: Minor, Text: "the pulse is not as long as bragid told the receiver to make it",
		Fix: "check that the time pulse of the receiver drives gnss.pps, and that nothing else drives the line"},
	{Code: PulseDevice, Severity: Major, Text: "bragid cannot read the device of the pulse",
		Fix: "check gnss.pps, the device tree and the permissions of the device; bragid keeps trying"},
	{Code: PulseGlitch, Severity: Minor, Text: "a pulse came at a wrong moment; bragid did not use it",
		Fix: "check the PPS wire for noise and reflections"},
	{Code: PulseDisagrees, Severity: Critical, Text: "the receiver's messages and its pulses name different seconds",
		Fix: "restart the receiver; if the alarm stays and the receiver is right: bragi clock accept receiver (the clock steps, at class 52)"},
	{Code: PulseRejected, Severity: Minor, Text: "pulses come far from the expected moment; bragid does not use them",
		Fix: "look for interference, and look at the receiver: bragi show gnss"},
	{Code: BoardClock, Severity: Critical, Text: "bragid cannot read or steer the board's clock, or another program set or steered it",
		Fix: "look at the kernel's log; stop any other program that steers the clock (phc2sys, ptp4l, ts2phc)"},
	{Code: PulseNoisy, Severity: Minor, Text: "the pulses have more noise than those of a good receiver",
		Fix: "check the antenna's view of the sky and the PPS wire"},
	{Code: NoThermometer, Severity: Warning, Text: "bragid reads no thermometer; holdover is worth less, because nothing corrects the oscillator's error by temperature",
		Fix: "put one beside the oscillator (lm75, tmp102) and load its driver, or name it in holdover.thermometer; \"none\" there ends this alarm", Patience: time.Minute},
	{Code: ClockAtLimit, Severity: Critical, Text: "the oscillator is outside the clock's tuning range",
		Fix: "replace the board or its oscillator"},
	{Code: ClockStepped, Severity: Warning, Text: "the clock made a step while clients were served",
		Fix: "do nothing now; holdover.on_acquire = \"slew\" avoids the step from a free run, holdover.on_return = \"slew\" that after an outage; nothing avoids that from a wrong second"},
	{Code: ClockSlewsLong, Severity: Warning, Text: "the clock slews for longer than ten minutes",
		Fix: "wait: bragi show clock tells how long; or end it by a step, which clients see: bragi clock step --yes; holdover.on_return = \"step\" steps by itself, after a free run holdover.on_acquire = \"step\"", CausedBy: []Code{ClockSettles}},
	{Code: ClockFreerun, Severity: Major, Text: "the clock was never locked; do not trust its time",
		Fix: "repair the receiver or its antenna: bragi show gnss", Patience: 5 * time.Second},
	{Code: ClockAcquires, Severity: Major, Text: "the clock has the receiver's time, but no pulse yet that it can measure itself by",
		Fix: "look at the pulse and at the messages of the receiver: bragi show gnss", Patience: 2 * time.Minute,
		CausedBy: []Code{NoFix, BadDate, NoPulse, PulseDevice, PulseEdge, PulseGlitch, PulseDisagrees, MessagesUseless, LeapFault, LeapUnproven, SecondOpinion, TimeJump,
			Antenna, Spoofing, Jamming, Moved, BoardClock}},
	{Code: ClockHoldover, Severity: Major, Text: "holdover: the clock runs on its oscillator, inside holdover.spec",
		Fix: "repair the receiver or its antenna before the forecast ends: bragi show clock"},
	{Code: ClockOutOfSpec, Severity: Critical, Text: "holdover out of spec: the time error may be more than holdover.spec",
		Fix: "repair the receiver or its antenna; clients may already follow another grandmaster"},
	{Code: ClockRelocking, Severity: Warning, Text: "the pulse is back; the clock slews towards it",
		Fix: "wait: bragi show clock tells how long", CausedBy: []Code{ClockOutOfSpec, ClockHoldover}},
	{Code: ClockSettles, Severity: Warning, Text: "the oscillator's frequency still moves: class 6 waits until it is warm",
		Fix: "wait, 35 minutes from power on at most; if it never settles, keep drafts and load away from the oscillator"},
	{Code: ClockWaits, Severity: Warning, Text: "the last lock was short: class 6 waits until the pulses have been good for a while",
		Fix: "the pulse comes and goes: check the antenna's cable and connectors"},
	{Code: ClockLearns, Severity: Warning, Text: "no lock has lasted for holdover.learning yet: an outage would go to class 52 at once",
		Fix: "find out why the pulse does not stay, or set holdover.learning shorter", Patience: time.Minute},
	{Code: SkyDoubted, Severity: Critical, Text: "the pulses move as no oscillator of this kind does: they are not followed, the clock holds over",
		Fix: "do not trust this sky: check antenna and receiver; if the pulse is right: bragi clock accept receiver"},
	{Code: LinkDown, Severity: Major, Text: "the interface is down; it reaches no client",
		Fix: "check the cable, the switch port and 'ip link'; bragid goes on by itself when the link is back"},
	{Code: AddressMissing, Severity: Critical, Text: "no interface has the address master.address",
		Fix: "bring the interface up, add the address to lo, or correct master.address; bragid keeps trying"},
	{Code: ServiceLost, Severity: Critical, Text: "what bragid sends reaches no client",
		Fix: "do what this alarm's detail says; bragid goes on by itself", CausedBy: []Code{LinkDown}},
	{Code: Drained, Severity: Major, Text: "a drain stands: the clients are sent away and nothing is granted",
		Fix: "bragi drain --end, when the work is done"},
	{Code: ClientUnreachable, Severity: Minor, Text: "what bragid sends does not reach a client",
		Fix: "do what this alarm's detail says", CausedBy: []Code{ServiceLost, LinkDown}, Patience: 5 * time.Second},
	{Code: ClientStarved, Severity: Warning, Text: "a client gets less than it was granted: it sends too little for an address that is not in master.trusted",
		Fix: "if it takes Sync or Announce alone, add it to master.trusted; if it has a firewall, let its Delay_Req out; if no client has this address, somebody forges it"},
	{Code: ClientTable, Severity: Minor, Text: "there are few places left for new clients",
		Fix: "if these are your clients, set master.max_clients higher; if not, stop who forges them, or name the prefix in master.deny"},
	{Code: ForeignTarget, Severity: Minor, Text: "a client asks for another clock identity than ours, at our address",
		Fix: "restart PTP at the client; or, if this board replaces another one, set master.clock_identity to the identity that the detail names"},
	{Code: ClientDenied, Severity: Warning, Text: "bragid refused a client",
		Fix: "if the client may be served, add its prefix to master.allow, or raise the limit that this alarm names"},
	{Code: WrongDomain, Severity: Warning, Text: "a client asks in another PTP domain",
		Fix: "set the same domain at the client and in master.domain"},
	{Code: NoReceiveStamps, Severity: Major, Text: "packets arrive without a receive time stamp; they get no answer",
		Fix: "check the network driver: ethtool -T"},
	{Code: HardwareStamps, Severity: Major, Text: "the interface does not give the time stamps that its driver promised; bragid uses the next best sync mode",
		Fix: "look at the kernel's log and at ethtool -T; use another driver or kernel, or set master.sync_mode"},
	{Code: ResidualHigh, Severity: Minor, Text: "the time in a Sync may be wrong by more than master.residual_limit",
		Fix: "look for load on the machine or the interface: bragi show hardware; with master.on_residual = \"two-step\" bragid serves two-step meanwhile", Patience: 10 * time.Second},
	{Code: HTTPFace, Severity: Warning, Text: "something is wrong with control.http, where metrics and status are read over TCP",
		Fix: "correct the address or the files that the alarm names; bragid keeps trying"},
	{Code: LeapTableOld, Severity: Warning, Text: "the table of leap seconds has expired, and the receiver does not tell the count",
		Fix: "update bragid or set gnss.leap_file; until then look whether a leap second was announced since (IERS Bulletin C)"},
	{Code: ConfigStuck, Severity: Major, Text: "bragid cannot take back a commit that nobody confirmed",
		Fix: "let bragid write the configuration file and its folder, and make room on the disk; bragid keeps trying"},
	{Code: ConfigUnconfirmed, Severity: Warning, Text: "a commit of the configuration waits for its confirmation; bragid takes it back when the time is over",
		Fix: "if everything works: bragi config confirm"},
	{Code: ConfigWaits, Severity: Warning, Text: "keys of the configuration wait for a restart of bragid",
		Fix: "restart bragid: bragi restart; clients do not notice it"},
}
