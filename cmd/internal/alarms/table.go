package alarms

import "time"

// The codes of all alarms.
const (
	ReceiverDevice  Code = "RECEIVER_DEVICE"
	ReceiverSilent  Code = "RECEIVER_SILENT"
	ReceiverSetup   Code = "RECEIVER_SETUP"
	NoFix           Code = "GNSS_NO_FIX"
	BadDate         Code = "GNSS_DATE"
	NoPulse         Code = "GNSS_NO_PULSE"
	PulseGlitch     Code = "GNSS_PULSE_GLITCH"
	PulseDisagrees  Code = "GNSS_PULSE_DISAGREES"
	PulseDevice     Code = "PULSE_DEVICE"
	PulseRejected   Code = "PULSE_REJECTED"
	BoardClock      Code = "BOARD_CLOCK"
	ClockFreerun    Code = "CLOCK_FREERUN"
	ClockHoldover   Code = "CLOCK_HOLDOVER"
	ClockOutOfSpec  Code = "CLOCK_OUT_OF_SPEC"
	ClockRelocking  Code = "CLOCK_RELOCKING"
	AddressMissing  Code = "ADDRESS_MISSING"
	LinkDown        Code = "LINK_DOWN"
	ClientDenied    Code = "CLIENT_DENIED"
	WrongDomain     Code = "WRONG_DOMAIN"
	NoReceiveStamps Code = "NO_RECEIVE_STAMPS"
	HardwareStamps  Code = "HARDWARE_STAMPS"
	ResidualHigh    Code = "RESIDUAL_HIGH"
	PulseNoisy      Code = "PULSE_NOISY"
	ClockStepped    Code = "CLOCK_STEPPED"
	ClockSlewsLong  Code = "CLOCK_SLEWS_LONG"
	ClockAtLimit    Code = "CLOCK_AT_LIMIT"
	LeapTableOld    Code = "LEAP_TABLE_EXPIRED"
	ClockSettles    Code = "CLOCK_SETTLES"
	ClockWaits      Code = "CLOCK_WAITS"
	ClockLearns     Code = "CLOCK_LEARNS"
	SkyDoubted      Code = "SKY_DOUBTED"

	Antenna        Code = "ANTENNA_FAULT"
	AntennaDoubted Code = "ANTENNA_UNSUPERVISED"
	Spoofing       Code = "GNSS_SPOOFING"
	Jamming        Code = "GNSS_JAMMING"
	Jammed         Code = "GNSS_JAMMING_WARNING"
	Moved          Code = "GNSS_POSITION_MOVED"
	TimeJump       Code = "GNSS_TIME_JUMP"
	LeapFault      Code = "GNSS_LEAP_SECONDS"
	LeapFile       Code = "LEAP_FILE"
	MessagesLate   Code = "GNSS_MESSAGES_LATE"
	Sawtooth       Code = "GNSS_SAWTOOTH"
)

// Table is every alarm there is.
var Table = []Kind{
	{Code: ReceiverDevice, Severity: Major, Text: "the receiver's serial port cannot be opened",
		Fix: "check gnss.device, the cable and the port's permissions; bragid keeps trying"},
	{Code: ReceiverSilent, Severity: Major, Text: "the receiver sends nothing that is understood",
		Fix: "check the receiver's power, its wiring (RX and TX crossed?) and gnss.baud", CausedBy: []Code{ReceiverDevice}, Patience: 3 * time.Second},
	{Code: Antenna, Severity: Major, Text: "the antenna's cable is open or shorted: its pulses are not used, the clock holds over",
		Fix: "check the antenna's cable, connectors, arrester and supply", CausedBy: []Code{ReceiverDevice, ReceiverSilent}},
	{Code: AntennaDoubted, Severity: Warning, Text: "the receiver calls the antenna open although it has a fix: a lost antenna may be seen late",
		Fix: "nothing where a splitter feeds the antenna; else wire the receiver's antenna supervisor"},
	{Code: Spoofing, Severity: Critical, Text: "the receiver reports spoofing: its pulses are not used, the clock holds over",
		Fix: "do not trust this sky: look for a repeater or transmitter near the antenna, compare with another site"},
	{Code: Jamming, Severity: Major, Text: "the receiver is jammed and its time grows uncertain: its pulses are not used, the clock holds over",
		Fix: "look for a transmitter near the antenna or its cable; a filter or another place may help"},
	{Code: Jammed, Severity: Minor, Text: "the receiver is jammed; its time still stands",
		Fix: "look for a transmitter near the antenna or its cable", CausedBy: []Code{Jamming}, Patience: 10 * time.Second},
	{Code: Moved, Severity: Critical, Text: "the position is another one than before: the pulses are not used, the clock holds over",
		Fix: "if the antenna was moved, survey anew and restart bragid; if not, the sky is forged"},
	{Code: TimeJump, Severity: Critical, Text: "the receiver came back with another time than the held clock's: its pulses are not used",
		Fix: "restart the receiver; if it stays and the receiver is right, restart bragid in a maintenance window"},
	{Code: LeapFault, Severity: Major, Text: "the receiver counts leap seconds that cannot be: its time is not used",
		Fix: "wait 15 minutes after a cold start, update the receiver's firmware, or gnss.leap_file if a leap second was announced"},
	{Code: LeapFile, Severity: Warning, Text: "the file of leap seconds cannot be used; the built-in table serves",
		Fix: "bring a leap-seconds.list to gnss.leap_file, or leave the key out"},
	{Code: MessagesLate, Severity: Warning, Text: "the receiver's messages come more than a second after their pulse",
		Fix: "set a higher baud rate or fewer messages at the receiver"},
	{Code: Sawtooth, Severity: Warning, Text: "the receiver's sawtooth correction makes its pulses worse and is left out",
		Fix: "check that the pulse is wired to the output that the receiver's TIM-TP is about"},
	{Code: ReceiverSetup, Severity: Warning, Text: "the receiver is not set up as it should be",
		Fix:      "bragi show gnss names the setting; set it with the maker's program, or gnss.configure = false to leave the receiver as it is",
		CausedBy: []Code{ReceiverDevice, ReceiverSilent}},
	{Code: NoFix, Severity: Major, Text: "the receiver has no fix",
		Fix: "check antenna, cable and sky view; a cold start takes up to 15 minutes", CausedBy: []Code{ReceiverDevice, ReceiverSilent, Antenna, LeapFault}, Patience: 3 * time.Second},
	{Code: BadDate, Severity: Critical, Text: "the receiver gives a date that cannot be",
		Fix: "update the receiver's firmware (GPS week rollover), or cold-start it", CausedBy: []Code{ReceiverDevice, ReceiverSilent}},
	{Code: NoPulse, Severity: Major, Text: "no pulse from the receiver",
		Fix: "check the PPS wire and gnss.pps; many receivers pulse only with a fix", CausedBy: []Code{ReceiverDevice, ReceiverSilent, NoFix, PulseDevice}, Patience: 3 * time.Second},
	{Code: PulseDevice, Severity: Major, Text: "the pulse's device cannot be read",
		Fix: "check gnss.pps, the device tree and the device's permissions; bragid keeps trying"},
	{Code: PulseGlitch, Severity: Minor, Text: "a pulse came where none may be",
		Fix: "check the PPS wire for noise and reflections; the pulse was not used"},
	{Code: PulseDisagrees, Severity: Critical, Text: "the receiver's messages and its pulses name different seconds",
		Fix: "restart the receiver; if it stays, restart bragid in a maintenance window"},
	{Code: PulseRejected, Severity: Minor, Text: "pulses far from the expected instant are not used",
		Fix: "look for interference or a receiver in trouble: bragi show gnss"},
	{Code: BoardClock, Severity: Critical, Text: "the board's clock cannot be read or steered, or others set or steered it",
		Fix: "look at the kernel's log; is another program steering the clock (phc2sys, ptp4l, ts2phc)?"},
	{Code: PulseNoisy, Severity: Minor, Text: "the pulses are noisier than a healthy receiver's",
		Fix: "check the antenna's view of the sky and the PPS wire"},
	{Code: ClockAtLimit, Severity: Critical, Text: "the oscillator is outside the clock's tuning range",
		Fix: "replace the board or its oscillator"},
	{Code: ClockStepped, Severity: Warning, Text: "the clock was stepped while clients were served by the free run",
		Fix: "nothing now; holdover.on_acquire and holdover.on_return = \"slew\" avoid it next time"},
	{Code: ClockSlewsLong, Severity: Warning, Text: "the clock slews for longer than ten minutes",
		Fix: "wait; or step now in a maintenance window: bragi clock step --yes"},
	{Code: ClockFreerun, Severity: Major, Text: "the clock was never locked: its time is not to be trusted",
		Fix: "fix the receiver or its antenna: bragi show gnss", Patience: 5 * time.Second},
	{Code: ClockHoldover, Severity: Major, Text: "holdover: the clock runs on its oscillator, inside its spec",
		Fix: "fix the receiver or its antenna before the forecast runs out: bragi show clock"},
	{Code: ClockOutOfSpec, Severity: Critical, Text: "holdover out of spec: the clock may be off by more than holdover.spec",
		Fix: "fix the receiver or its antenna; clients may already follow another grandmaster"},
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
	{Code: LinkDown, Severity: Major, Text: "the interface is down: no client is reached through it",
		Fix: "check cable, switch port and 'ip link'; bragid goes on by itself when it is back"},
	{Code: AddressMissing, Severity: Critical, Text: "no interface has the address to serve at",
		Fix: "bring the interface up, add the address to lo, or fix master.address; bragid keeps trying"},
	{Code: ClientDenied, Severity: Warning, Text: "a client was refused",
		Fix: "if it may be served, add its prefix to master.allow or raise the limit that it names"},
	{Code: WrongDomain, Severity: Warning, Text: "a client asks in another PTP domain",
		Fix: "set the same domain at the client and in master.domain"},
	{Code: NoReceiveStamps, Severity: Major, Text: "packets arrive without a receive time stamp and get no answer",
		Fix: "check the network driver: ethtool -T"},
	{Code: HardwareStamps, Severity: Major, Text: "the interface does not give the time stamps that its driver promised",
		Fix: "look at the kernel's log and ethtool -T; another driver or kernel, or master.sync_mode; the next best mode serves meanwhile"},
	{Code: ResidualHigh, Severity: Minor, Text: "what Sync says may be wrong by more than master.residual_limit",
		Fix: "look for load on the machine or the interface: bragi show hardware; master.on_residual = \"two-step\" serves two-step meanwhile", Patience: 10 * time.Second},
	{Code: LeapTableOld, Severity: Warning, Text: "the table of leap seconds is past its date, and the receiver does not tell the count",
		Fix: "update bragi or set gnss.leap_file; until then check whether a leap second was announced since (IERS Bulletin C)"},
}
