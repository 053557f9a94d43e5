package alarms

import "time"

// The codes of what is wrong with the receiver's time and its pulse beside the others.
const (
	NoTime           Code = "GNSS_NO_TIME"
	MessagesDamaged  Code = "GNSS_MESSAGES_DAMAGED"
	MessagesConflict Code = "GNSS_MESSAGES_CONFLICT"
	TimeErratic      Code = "GNSS_TIME_ERRATIC"
	PulseUnstamped   Code = "PULSE_UNSTAMPED"
)

// The codes of all other alarms.
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
	ClockWide      Code = "CLOCK_BOUND_WIDE"
	AddressMissing Code = "ADDRESS_MISSING"
	LinkDown       Code = "LINK_DOWN"
	ClientDenied   Code = "CLIENT_DENIED"
	WrongDomain    Code = "WRONG_DOMAIN"
	ForeignTarget  Code = "FOREIGN_TARGET"
	ServiceLost    Code = "SERVICE_LOST"
	Drained        Code = "DRAINED"

	ClientUnreachable Code = "CLIENT_UNREACHABLE"
	ClientStarved     Code = "CLIENT_STARVED"
	ClientMissing     Code = "CLIENT_MISSING"
	ClientTable       Code = "CLIENT_TABLE_SHORT"

	TwinSilent  Code = "TWIN_SILENT"
	TwinDiffers Code = "TWIN_DIFFERS"

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
	HoldoverForced  Code = "HOLDOVER_FORCED"
	HoldoverEnding  Code = "HOLDOVER_RELEASED"
	AnnounceLies    Code = "ANNOUNCE_CONTRADICTS"

	ReferencesDisagree Code = "REFERENCES_DISAGREE"
	ReferenceOdd       Code = "REFERENCE_ODD"
	ReferenceFailed    Code = "REFERENCE_FAILED"
	ReferenceOrdered   Code = "REFERENCE_ORDERED"

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
	NotKept           Code = "NOT_KEPT"
	ConfigStuck       Code = "CONFIG_STUCK"
	MessagesUseless   Code = "GNSS_MESSAGES_USELESS"

	Squelched  Code = "SQUELCHED"
	SyslogAway Code = "SYSLOG_AWAY"
	SyslogLost Code = "SYSLOG_LOST"
	HTTPFace   Code = "CONTROL_HTTP"
	Refclock   Code = "NTP_REFCLOCK"

	DrillFailed Code = "HOLDOVER_DRILL"
)

// Table is every alarm there is. docs/ALARMS.md is made from it.
//
//go:generate go test . -run TestThePageIsThatOfTheTable -update
var Table = []Kind{
	{Code: ReceiverDevice, Severity: Major, Text: "the receiver's serial port cannot be opened",
		Cause:       "the port does not exist, another program holds it, or bragid may not use it",
		Consequence: "no time comes from the receiver; a clock that was locked holds over",
		Fix:         "check gnss.device, the cable and the permissions of the port; bragid keeps trying"},
	{Code: ReceiverSilent, Severity: Major, Clear: 2 * time.Second, Text: "the receiver sends nothing that bragid understands",
		Cause:       "the receiver has no power, its wires are wrong, or it speaks at another rate",
		Consequence: "no time comes from the receiver; a clock that was locked holds over",
		Fix:         "check the receiver's power, its wiring (are RX and TX crossed?) and gnss.baud", CausedBy: []Code{ReceiverDevice}, Patience: 3 * time.Second},
	{Code: Antenna, Severity: Major, Text: "the antenna cable is open or shorted",
		Cause:       "the cable, a connector, the arrester or the antenna is broken",
		Consequence: "bragid does not use the pulses; the clock holds over",
		Fix:         "check the antenna cable, its connectors, the arrester and the supply", CausedBy: []Code{ReceiverDevice, ReceiverSilent}},
	{Code: AntennaDoubted, Severity: Warning, Text: "the receiver says that the antenna is open, but it has a fix",
		Cause:       "a splitter or an amplifier feeds the antenna, or the supervisor is not wired",
		Consequence: "bragid may notice late when the antenna is lost",
		Fix:         "do nothing where a splitter feeds the antenna; else wire the receiver's antenna supervisor"},
	{Code: DrillFailed, Severity: Minor, Text: "the last holdover drill contradicts the bound or the forecast",
		Cause:       "the oscillator or its thermometer is not what bragid takes it for; one bound in twenty is exceeded by chance",
		Consequence: "in a real holdover class 7 could be announced for too long; the served time is not affected now",
		Fix:         "bragi drill report shows by how much; set holdover.oscillator to the kind that the board has; look for a fan or a heater near it; then run a drill again: bragi drill holdover"},
	{Code: Refclock, Severity: Minor, Text: "chrony does not take the time",
		Cause:       "chronyd does not run, or its configuration does not name the socket",
		Consequence: "the system clock and who asks by NTP go without this clock's time",
		Fix:         "start chronyd; its configuration needs the line refclock SOCK with the path of ntp.refclock", Patience: 30 * time.Second},
	{Code: AnnounceLies, Severity: Critical, Text: "what bragid would announce contradicts what it knows",
		Cause:       "a fault of bragid",
		Consequence: "bragid announces out of spec instead, or nothing",
		Fix:         "this is a fault of bragid: send the output of bragi show tech-support; a restart of bragid may end it"},
	{Code: Spoofing, Severity: Critical, Text: "the receiver reports spoofing",
		Cause:       "a transmitter or a repeater sends a false sky",
		Consequence: "bragid does not use the pulses; the clock holds over",
		Fix:         "do not trust this sky; look for a repeater or a transmitter near the antenna, and compare with another site"},
	{Code: Jamming, Severity: Major, Text: "the receiver is jammed and its time becomes uncertain",
		Cause:       "a transmitter disturbs the satellites' band",
		Consequence: "bragid does not use the pulses; the clock holds over",
		Fix:         "look for a transmitter near the antenna or its cable; a filter or another place may help"},
	{Code: Jammed, Severity: Minor, Clear: 10 * time.Second, Text: "the receiver is jammed; its time is still good",
		Cause:       "a transmitter disturbs the satellites' band",
		Consequence: "the fix may be lost when it becomes worse",
		Fix:         "look for a transmitter near the antenna or its cable", CausedBy: []Code{Jamming}, Patience: 10 * time.Second},
	{Code: Moved, Severity: Critical, Text: "the position has changed",
		Cause:       "somebody moved the antenna, or the sky is false",
		Consequence: "bragid does not use the pulses; the clock holds over",
		Fix:         "if somebody moved the antenna: bragi clock accept receiver; if not, the sky is false"},
	{Code: TimeJump, Severity: Critical, Text: "the receiver came back with another time than the clock in holdover",
		Cause:       "the receiver started with a wrong date, or the sky is false",
		Consequence: "bragid does not use the pulses; the clock holds over",
		Fix:         "restart the receiver; if the alarm stays and the receiver is right: bragi clock accept receiver (the clock steps, at class 52)"},
	{Code: LeapFault, Severity: Major, Text: "the receiver's count of leap seconds cannot be right",
		Cause:       "a cold start, old firmware, or a leap second that the table does not know",
		Consequence: "bragid does not use the receiver's time",
		Fix:         "wait 15 minutes after a cold start; if the alarm stays and the receiver is right: bragi clock accept receiver, or update gnss.leap_file if a leap second was announced; else update the receiver's firmware"},
	{Code: LeapUnproven, Severity: Minor, Text: "the receiver may still use the leap seconds of its firmware",
		Cause:       "a cold start: the satellites tell the count every 12.5 minutes only",
		Consequence: "bragid does not use the pulses yet",
		Fix:         "wait; a receiver with a backup battery starts at once; if its time is right: bragi clock accept receiver"},
	{Code: LeapFile, Severity: Warning, Text: "bragid cannot use the file of leap seconds",
		Cause:       "the file is missing, damaged or no leap-seconds.list, or it contradicts the count that is known",
		Consequence: "bragid uses the table of before; after a start, its built-in table",
		Fix:         "put a leap-seconds.list where gnss.leap_file says, or remove the key"},
	{Code: MessagesLate, Severity: Warning, Clear: 30 * time.Second, Text: "the receiver's messages come more than a second after their pulse",
		Cause:       "the line is too slow for the messages",
		Consequence: "nothing is lost while the delay stays the same",
		Fix:         "set a higher baud rate or fewer messages at the receiver"},
	{Code: MessagesUseless, Severity: Major, Text: "the receiver's messages do not tell which pulse is which second",
		Cause:       "the messages come too seldom, or name a fraction of a second that fits two pulses",
		Consequence: "bragid cannot tell which pulse is which second",
		Fix:         "set the receiver to one message a second, for the whole second; if it names fractions of a second, set gnss.message_delay", CausedBy: []Code{ReceiverDevice, LineFull, TimeErratic}, Patience: 15 * time.Second},
	{Code: LineFull, Severity: Major, Clear: 10 * time.Second, Text: "the serial line of the receiver is full",
		Cause:       "too many messages for the rate",
		Consequence: "messages wait and may be seconds old; the second may be taken wrongly",
		Fix:         "set a higher baud rate or fewer messages at the receiver", CausedBy: []Code{ReceiverDevice, ReceiverSilent}},
	{Code: SecondOpinion, Severity: Critical, Text: "another source of time contradicts the receiver",
		Cause:       "the receiver, the sky or the other source is wrong; nobody knows which",
		Consequence: "bragid does not use the pulses; a clock that was locked holds over",
		Fix:         "compare both with a clock that you trust; correct the wrong one (gnss.message_delay, the pulse's edge, the NTP servers of the system clock), or trust the receiver: bragi clock accept receiver"},
	{Code: OpinionWrong, Severity: Warning, Text: "another source of time is wrong",
		Cause:       "that source has no good reference",
		Consequence: "none: bragid follows the receiver",
		Fix:         "correct that source, or remove it from gnss.second_opinion"},
	{Code: ReferencesDisagree, Severity: Critical, Text: "references differ by more than selection.limit, and nothing tells which one is right",
		Cause:       "an antenna cable that is not set, a receiver with another second, or a false sky at one of them",
		Consequence: "no class 6: a clock that was locked holds over",
		Fix:         "compare both with a clock that you trust; then accept the right one: bragi clock accept receiver NAME"},
	{Code: ReferenceOdd, Severity: Major, Text: "a reference is wrong: the others, or the clock itself, contradict it",
		Cause:       "its antenna cable is not set, its receiver has another second, or its sky is false",
		Consequence: "bragid uses it by force alone, and without class 6; another second it does not use by force either. Without force the clock follows another one, or holds over",
		Fix:         "look for what is wrong at that receiver, its antenna and its delays: bragi show references; it counts again when it has agreed for 10 s, and good for the time to restore"},
	{Code: ReferenceFailed, Severity: Minor, Patience: 3 * time.Second, Text: "a reference of the list is not good",
		Cause:       "its receiver has no time, or its pulse is missing",
		Consequence: "the clock has fewer references to choose from",
		Fix:         "look why: bragi show references"},
	{Code: ReferenceOrdered, Severity: Warning, Text: "the reference is an operator's order",
		Cause:       "bragi reference switch",
		Consequence: "bragid does not choose by itself; a forced reference that fails stays selected",
		Fix:         "end the order when it is no longer wanted: bragi reference clear"},
	{Code: Sawtooth, Severity: Warning, Text: "the receiver's sawtooth correction makes the pulses worse",
		Cause:       "the pulse comes from another output than the one that TIM-TP describes",
		Consequence: "bragid does not use the correction; the pulses have some nanoseconds more noise",
		Fix:         "check that the pulse comes from the output that the receiver's TIM-TP describes"},
	{Code: ReceiverSetup, Severity: Warning, Text: "a setting of the receiver is wrong",
		Cause:       "the receiver refused the setting, or it does not answer",
		Consequence: "the receiver may not tell what bragid wants to know of it",
		Fix:         "bragi show gnss names the setting; set it with the maker's program, or leave the receiver as it is with gnss.configure = false",
		CausedBy:    []Code{ReceiverDevice, ReceiverSilent}},
	{Code: NoFix, Severity: Major, Clear: 5 * time.Second, Text: "the receiver has no fix",
		Cause:       "the antenna sees too little sky, or the receiver has just started",
		Consequence: "there is no trusted time; a clock that was locked holds over",
		Fix:         "check the antenna, its cable and its view of the sky; a cold start takes up to 15 minutes", CausedBy: []Code{ReceiverDevice, ReceiverSilent, Antenna, LeapFault}, Patience: 3 * time.Second},
	{Code: MessagesConflict, Severity: Major, Clear: 5 * time.Second, Text: "the receiver's messages contradict each other",
		Cause:       "a fault of the receiver, or a second sender on the line",
		Consequence: "bragid does not use the receiver's time; a clock that was locked holds over",
		Fix:         "restart the receiver; if the alarm stays, look for a second sender on the line, or update the receiver's firmware", CausedBy: []Code{ReceiverDevice, ReceiverSilent}, Patience: 3 * time.Second},
	{Code: MessagesDamaged, Severity: Major, Clear: 5 * time.Second, Text: "the receiver's messages are damaged, or have no checksum",
		Cause:       "noise on the serial line, or a receiver that sends no checksums",
		Consequence: "bragid does not use the time in such messages; a clock that was locked holds over",
		Fix:         "check the wires of the serial line and its ground; set the receiver to send checksums", CausedBy: []Code{ReceiverDevice, ReceiverSilent}, Patience: 3 * time.Second},
	{Code: TimeErratic, Severity: Critical, Clear: 5 * time.Second, Text: "the receiver's time does not run on by a second each second",
		Cause:       "a fault of the receiver, or a second sender on the line",
		Consequence: "bragid does not use the receiver's time; a clock that was locked holds over",
		Fix:         "restart the receiver; if the alarm stays, look for a second sender on the line, or replace the receiver", CausedBy: []Code{ReceiverDevice, ReceiverSilent}},
	{Code: NoTime, Severity: Major, Clear: 5 * time.Second, Text: "the receiver gives no time that bragid can use",
		Cause:       "the receiver has just started, or does not send date and time",
		Consequence: "there is no trusted time; a clock that was locked holds over",
		Fix:         "wait some minutes after a cold start; if the alarm stays, set the receiver to send RMC with time and date, or restart it", CausedBy: []Code{ReceiverDevice, ReceiverSilent, Antenna, NoFix, LeapFault, BadDate, MessagesConflict, MessagesDamaged, TimeErratic, MessagesUseless}, Patience: 3 * time.Second},
	{Code: BadDate, Severity: Critical, Text: "the receiver's date cannot be right",
		Cause:       "a GPS week rollover that the firmware does not know, or a cold start",
		Consequence: "bragid does not use the receiver's time",
		Fix:         "update the receiver's firmware (GPS week rollover), or start the receiver cold", CausedBy: []Code{ReceiverDevice, ReceiverSilent}},
	{Code: NoPulse, Severity: Major, Clear: 5 * time.Second, Text: "the receiver gives no pulse",
		Cause:       "the PPS wire is broken, the input is another, or the receiver gives a pulse only with a fix",
		Consequence: "nothing steers the clock; a clock that was locked holds over",
		Fix:         "check the PPS wire and gnss.pps; many receivers give a pulse only with a fix", CausedBy: []Code{ReceiverDevice, ReceiverSilent, NoFix, NoTime, PulseDevice, PulseUnstamped}, Patience: 3 * time.Second},
	{Code: PulseUnstamped, Severity: Major, Text: "the input of the board's clock is on, but it stamps no pulse",
		Cause:       "the PPS wire is broken, the pin has another function, or the kernel's driver turns no stamps on",
		Consequence: "nothing steers the clock; a clock that was locked holds over",
		Fix:         "check the PPS wire and the function of its pin in the device tree; on an i.MX8MP use Linux 6.7 or later", CausedBy: []Code{PulseDevice}},
	{Code: PulseEdge, Severity: Major, Text: "an edge comes each half second",
		Cause:       "the pulse is 500 ms long, and the input stamps both edges",
		Consequence: "bragid cannot tell which edge begins the second, and does not use new pulses",
		Fix:         "set a pulse of 100 ms once a second at the receiver, or name an input in gnss.pps that stamps one edge"},
	{Code: PulseLength, Severity: Minor, Text: "the pulse is not as long as bragid told the receiver to make it",
		Cause:       "another output of the receiver, or another device, drives the input",
		Consequence: "the pulse may be another than bragid believes",
		Fix:         "check that the time pulse of the receiver drives gnss.pps, and that nothing else drives the line"},
	{Code: PulseDevice, Severity: Major, Text: "bragid cannot read the device of the pulse",
		Cause:       "the device does not exist, another program holds it, or bragid may not use it",
		Consequence: "nothing steers the clock; a clock that was locked holds over",
		Fix:         "check gnss.pps, the device tree and the permissions of the device; bragid keeps trying"},
	{Code: PulseGlitch, Severity: Minor, Clear: 10 * time.Second, Text: "a pulse came at a wrong moment",
		Cause:       "noise or reflections on the PPS wire",
		Consequence: "bragid did not use this pulse",
		Fix:         "check the PPS wire for noise and reflections"},
	{Code: PulseDisagrees, Severity: Critical, Text: "the receiver's messages and its pulses name different seconds",
		Cause:       "the receiver restarted wrongly, its messages are seconds late, or the sky is false",
		Consequence: "bragid does not use the pulses; a clock that was locked holds over",
		Fix:         "restart the receiver; if the alarm stays and the receiver is right: bragi clock accept receiver (the clock steps, at class 52)"},
	{Code: PulseRejected, Severity: Minor, Clear: 10 * time.Second, Text: "pulses come far from the expected moment",
		Cause:       "interference, a bad sky, or a clock that somebody else steers",
		Consequence: "bragid does not use them; when it lasts, the clock holds over",
		Fix:         "look for interference, and look at the receiver: bragi show gnss"},
	{Code: BoardClock, Severity: Critical, Text: "bragid cannot read or steer the board's clock, or another program set or steered it",
		Cause:       "the clock is unplugged, its driver fails, or another program uses it",
		Consequence: "the time cannot be told well; clients may get none",
		Fix:         "look at the kernel's log; stop any other program that steers the clock (phc2sys, ptp4l, ts2phc)"},
	{Code: PulseNoisy, Severity: Minor, Clear: 30 * time.Second, Text: "the pulses have more noise than those of a good receiver",
		Cause:       "a bad view of the sky, or noise on the PPS wire",
		Consequence: "the time error is larger than it could be",
		Fix:         "check the antenna's view of the sky and the PPS wire"},
	{Code: NoThermometer, Severity: Warning, Text: "bragid reads no thermometer",
		Cause:       "the board has none near the oscillator, or its driver is missing",
		Consequence: "nothing corrects the oscillator by temperature: holdover is worth less",
		Fix:         "put one beside the oscillator (lm75, tmp102) and load its driver, or name it in holdover.thermometer; \"none\" there ends this alarm", Patience: time.Minute},
	{Code: ClockAtLimit, Severity: Critical, Text: "the oscillator is outside the clock's tuning range",
		Cause:       "the oscillator is old or broken",
		Consequence: "the clock cannot follow the pulses: its time error grows",
		Fix:         "replace the board or its oscillator"},
	{Code: ClockStepped, Severity: Warning, Text: "the clock made a step while clients were served, in the last ten minutes",
		Cause:       "the clock was too far off to slew",
		Consequence: "clients saw a step",
		Fix:         "do nothing now: the alarm ends ten minutes after the step; holdover.on_return = \"slew\" avoids the step after an outage; nothing avoids that from a wrong second"},
	{Code: ClockSlewsLong, Severity: Warning, Text: "the clock slews for longer than ten minutes",
		Cause:       "the clock is far off, and a slew may take only a small part of a second in each second",
		Consequence: "clients follow the slew; class 6 waits until it ends",
		Fix:         "wait: bragi show clock tells how long; or end it by a step, which clients see: bragi clock step --yes; holdover.on_return = \"step\" steps by itself, after a free run holdover.on_acquire = \"step\"", CausedBy: []Code{ClockSettles}},
	{Code: ClockFreerun, Severity: Major, Text: "the clock was never locked",
		Cause:       "the receiver or its pulse has not been good since the start",
		Consequence: "nobody may trust the time: class 58 or 248, or nothing is served",
		Fix:         "repair the receiver or its antenna: bragi show gnss", Patience: 5 * time.Second},
	{Code: ClockAcquires, Severity: Major, Text: "the clock has the receiver's time, but no pulse that it can measure itself by",
		Cause:       "there is no pulse, or its second is not known",
		Consequence: "the clock is not locked",
		Fix:         "look at the pulse and at the messages of the receiver: bragi show gnss", Patience: 2 * time.Minute,
		CausedBy: []Code{NoFix, NoTime, MessagesConflict, MessagesDamaged, TimeErratic, BadDate, NoPulse, PulseUnstamped, PulseDevice, PulseEdge, PulseGlitch, PulseDisagrees, MessagesUseless, LeapFault, LeapUnproven, SecondOpinion, TimeJump,
			Antenna, Spoofing, Jamming, Moved, BoardClock}},
	{Code: HoldoverForced, Severity: Warning, Text: "an operator forced holdover",
		Cause:       "somebody asked for it: bragi holdover force",
		Consequence: "no pulse is used: class 7 until the forecast ends, then class 52 (187, 140 to 160 by the profile)",
		Fix:         "bragi holdover release, when the work is done"},
	{Code: HoldoverEnding, Severity: Warning, Text: "a forced holdover was released: the clock returns to the pulses",
		Cause:       "an operator forced holdover, and released it",
		Consequence: "class 6 comes back by itself",
		Fix:         "wait: bragi show clock tells how long"},
	{Code: ClockHoldover, Severity: Major, Text: "holdover: the clock runs on its oscillator, inside holdover.spec",
		Cause:       "the pulses are lost or not believed",
		Consequence: "class 7 until the forecast ends, then class 52 (187, 140 to 160 by the profile)",
		Fix:         "repair the receiver or its antenna before the forecast ends: bragi show clock", CausedBy: []Code{HoldoverForced, HoldoverEnding}},
	{Code: ClockOutOfSpec, Severity: Critical, Text: "holdover out of spec: the clock runs on its oscillator, and class 7 is over",
		Cause:       "no pulse is used, and class 7 has an end: the detail says which, of holdover.spec, holdover.max_holdover and holdover.learning",
		Consequence: "class 52 (187, 140 to 160 by the profile): clients may follow another grandmaster",
		Fix:         "repair the receiver or its antenna; where an operator forced the holdover: bragi holdover release"},
	{Code: ClockRelocking, Severity: Warning, Text: "the clock follows the pulse, and is not locked again yet",
		Cause:       "no pulse was followed for a while, the clock follows another reference, which is elsewhere, or its error bound was too wide a moment ago",
		Consequence: "class 6 comes back by itself",
		Fix:         "wait: bragi show clock tells how long", CausedBy: []Code{ClockOutOfSpec, ClockHoldover, HoldoverEnding, ClockWide}},
	{Code: ClockWide, Severity: Major, Text: "the clock follows the pulse, but its error bound is outside holdover.spec",
		Cause:       "the pulse moved in a way that the oscillator does not explain, references differ, or the pulse has much noise",
		Consequence: "no class 6 until the bound stays inside (below 0.8 of it for 10 s, or inside for 5 minutes): class 52 (187, 140 to 160 by the profile)",
		Fix:         "wait: bragi show clock tells how long, where that is known. Such a doubt ends after five minutes of another receiver that agrees, or after four hours in which the pulse keeps its frequency; if you know that the pulse is right: bragi clock accept receiver; if the alarm never goes, the pulse has too much noise: bragi show gnss", CausedBy: []Code{ReferencesDisagree, BoardClock}},
	{Code: ClockSettles, Severity: Warning, Text: "the oscillator's frequency still moves",
		Cause:       "the oscillator is not warm, or drafts and load change its temperature",
		Consequence: "class 6 waits until it is warm",
		Fix:         "wait, 35 minutes from power on at most; if it never settles, keep drafts and load away from the oscillator"},
	{Code: ClockWaits, Severity: Warning, Text: "the last lock was shorter than two times holdover.wait_to_restore",
		Cause:       "the pulse comes and goes",
		Consequence: "class 6 waits until the pulses have been good for a while",
		Fix:         "the pulse comes and goes: check the antenna's cable and connectors"},
	{Code: ClockLearns, Severity: Warning, Text: "no lock has lasted for holdover.learning yet",
		Cause:       "bragid has just started, or the pulse comes and goes",
		Consequence: "an outage would go to class 52 (187, 140 to 160 by the profile) at once",
		Fix:         "find out why the pulse does not stay, or set holdover.learning shorter", Patience: time.Minute},
	{Code: SkyDoubted, Severity: Critical, Text: "the pulses move as no oscillator of this kind does",
		Cause:       "the sky is false, the receiver is broken, or the oscillator is another kind than configured",
		Consequence: "bragid does not use the pulses; the clock holds over",
		Fix:         "do not trust this sky: check antenna and receiver; if the pulse is right: bragi clock accept receiver"},
	{Code: LinkDown, Severity: Major, Clear: 2 * time.Second, Text: "the interface is down",
		Cause:       "the cable, the switch port or the interface is off",
		Consequence: "no client is reached",
		Fix:         "check the cable, the switch port and 'ip link'; bragid goes on by itself when the link is back"},
	{Code: AddressMissing, Severity: Critical, Text: "no interface has the address master.address",
		Cause:       "the interface is down, or the address is not set on the machine",
		Consequence: "no client is served",
		Fix:         "bring the interface up, add the address to lo, or correct master.address; bragid keeps trying"},
	{Code: ServiceLost, Severity: Critical, Text: "what bragid sends reaches no client",
		Cause:       "the network port, its driver or the way out of the machine fails",
		Consequence: "no client gets the time",
		Fix:         "do what this alarm's detail says; bragid goes on by itself", CausedBy: []Code{LinkDown}},
	{Code: Drained, Severity: Major, Text: "a drain stands",
		Cause:       "somebody asked for a drain",
		Consequence: "the clients are sent away and nothing is granted, whatever the clock is",
		Fix:         "bragi drain --end, when the work is done"},
	{Code: ClientUnreachable, Severity: Minor, Text: "what bragid sends does not reach a client",
		Cause:       "the client's network or its port is down, or a firewall is in the way",
		Consequence: "this client gets no time",
		Fix:         "do what this alarm's detail says", CausedBy: []Code{ServiceLost, LinkDown}, Patience: 5 * time.Second},
	{Code: ClientMissing, Severity: Minor, Text: "an expected client has no Sync",
		Cause:       "the client is off, does not reach us, or is refused",
		Consequence: "this client's modems have no time from here",
		Fix:         "bragi explain client ADDRESS says what to check; if it is gone for good, take it out of master.expected",
		CausedBy:    []Code{ServiceLost, AddressMissing, LinkDown, Drained, Squelched}, Patience: 2 * time.Minute},
	{Code: TwinSilent, Severity: Minor, Text: "the twin gives no time that a client could follow",
		Cause:       "the other grandmaster is off or drained, the network is cut, its domain is another one, it does not let this grandmaster in, one kind of its messages does not come, or twin.address is this grandmaster's own",
		Consequence: "clients that fail over to it find no time there",
		Fix:         "bragi show twin says what is wrong; look at twin.address, at the other grandmaster's bragi show clock and bragi show clients, and at its master.allow",
		CausedBy:    []Code{AddressMissing, LinkDown}, Patience: 30 * time.Second, Clear: 5 * time.Second},
	{Code: TwinDiffers, Severity: Major, Text: "the twin's time differs from ours by more than twin.limit",
		Cause:       "one of the two follows a false sky or is in holdover, antenna cables or pulses have different delays, or the path between the two is asymmetric",
		Consequence: "clients that fail over are moved by this much, and modems may go offline",
		Fix:         "compare bragi show clock and bragi show references of both; do not fail over before you know which one is right",
		CausedBy:    []Code{LinkDown}, Patience: 10 * time.Second, Clear: 10 * time.Second},
	{Code: ClientStarved, Severity: Warning, Text: "a client gets less than it was granted",
		Cause:       "it sends too little for an address that is not in master.trusted",
		Consequence: "this client may lose its lock",
		Fix:         "if it takes Sync or Announce alone, add it to master.trusted; if it has a firewall, let its Delay_Req out; if no client has this address, somebody forges it"},
	{Code: ClientTable, Severity: Minor, Text: "there are few places left for new clients",
		Cause:       "many clients, or somebody who forges them",
		Consequence: "a new client may be refused",
		Fix:         "if these are your clients, set master.max_clients higher; if not, stop who forges them, or name the prefix in master.deny"},
	{Code: ForeignTarget, Severity: Minor, Text: "a client asks for another clock identity than ours, at our address",
		Cause:       "this board replaces another one, and the client still knows that one",
		Consequence: "this client gets no time",
		Fix:         "restart PTP at the client; or, if this board replaces another one, set master.clock_identity to the identity that the detail names"},
	{Code: Squelched, Severity: Major, Text: "master.squelch keeps clients away",
		Cause:       "the clock is at a class that master.squelch does not serve",
		Consequence: "clients got CANCEL; nobody is granted until the class is better",
		Fix:         "repair what the clock's own alarm names, or set master.squelch = \"never\""},
	{Code: SyslogAway, Severity: Warning, Text: "a syslog server cannot be reached", CausedBy: []Code{SyslogLost}, Patience: time.Minute, Clear: 10 * time.Second,
		Cause:       "the server is down or slow, its name or certificate is wrong, or the network is away",
		Consequence: "lines wait for it, and the unconfirmed ones are sent again; the oldest will be lost when there are more than 1024",
		Fix:         "look at the server that this alarm names, or correct syslog.targets"},
	{Code: SyslogLost, Severity: Warning, Text: "lines for a syslog server are lost", Patience: 5 * time.Second, Clear: time.Minute,
		Cause:       "the server is down or slow, its name or certificate is wrong, or the network is away",
		Consequence: "this server does not know all that happened; bragi show log does",
		Fix:         "bragi show log, and look at the server that this alarm names; correct syslog.targets"},
	{Code: ClientDenied, Severity: Warning, Clear: 10 * time.Second, Text: "bragid refused a client",
		Cause:       "master.allow lacks its address, master.deny has it, or there are too many clients or packets",
		Consequence: "this client gets no time from here",
		Fix:         "if the client may be served, change what the detail names: add its prefix to master.allow, take it out of master.deny, or raise the limit"},
	{Code: WrongDomain, Severity: Warning, Clear: 10 * time.Second, Text: "a client asks in another PTP domain",
		Cause:       "the client and bragid are set to different domains",
		Consequence: "this client gets no time from here",
		Fix:         "set the same domain at the client and in master.domain"},
	{Code: NoReceiveStamps, Severity: Major, Clear: 10 * time.Second, Text: "packets arrive without a receive time stamp",
		Cause:       "the network driver does not stamp them, or lost the setting",
		Consequence: "these packets get no answer",
		Fix:         "check the network driver: ethtool -T"},
	{Code: HardwareStamps, Severity: Major, Text: "the interface does not give the time stamps that its driver promised",
		Cause:       "a fault of the driver or of the hardware",
		Consequence: "bragid uses the next best sync mode: the time in a Sync is worse",
		Fix:         "look at the kernel's log and at ethtool -T; use another driver or kernel, or set master.sync_mode"},
	{Code: ResidualHigh, Severity: Minor, Clear: 30 * time.Second, Text: "the time in a Sync may be wrong by more than master.residual_limit",
		Cause:       "load on the machine or on the interface",
		Consequence: "clients see more noise, or an offset",
		Fix:         "look for load on the machine or the interface: bragi show hardware; with master.on_residual = \"two-step\" bragid serves two-step meanwhile", Patience: 10 * time.Second},
	{Code: HTTPFace, Severity: Warning, Text: "something is wrong with control.http, where metrics and status are read over TCP",
		Cause:       "the address is missing, or a file of TLS or the token cannot be used",
		Consequence: "metrics and status cannot be read over TCP; where the detail says that bragid goes on with the old files, they can, until these end",
		Fix:         "correct the address or the files that the alarm names; bragid keeps trying"},
	{Code: LeapTableOld, Severity: Warning, Text: "the table of leap seconds has expired, and the receiver does not tell the count",
		Cause:       "bragid and its file of leap seconds are old",
		Consequence: "a leap second that was announced since is not known",
		Fix:         "update bragid or set gnss.leap_file; until then look whether a leap second was announced since (IERS Bulletin C)"},
	{Code: NotKept, Severity: Minor, Text: "bragid cannot write what it keeps",
		Cause:       "the disk is full or may only be read, or bragid may not write there",
		Consequence: "clients will notice a restart, and what was learned is lost with the power",
		Fix:         "make room on the disk (df), and let bragid write where this alarm says"},
	{Code: ConfigStuck, Severity: Major, Text: "bragid cannot take back a commit that nobody confirmed",
		Cause:       "the file or its folder cannot be written, or the disk is full",
		Consequence: "the file still says what nobody confirmed; a restart of bragid would use it",
		Fix:         "let bragid write the configuration file and its folder, and make room on the disk; bragid keeps trying"},
	{Code: ConfigUnconfirmed, Severity: Warning, Text: "a commit of the configuration waits for its confirmation",
		Cause:       "somebody said commit confirmed",
		Consequence: "bragid takes it back when the time is over",
		Fix:         "if everything works: bragi config confirm"},
	{Code: ConfigWaits, Severity: Warning, Text: "keys of the configuration wait for a restart of bragid",
		Cause:       "a key was changed that cannot change live",
		Consequence: "the old values hold until then",
		Fix:         "restart bragid: bragi restart; clients do not notice it, unless the address, a port or the domain of [master] is among the keys: then they look for it anew"},
}
