package daemon

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"bragi/board"
	"bragi/cmd/internal/alarms"
	"bragi/cmd/internal/config"
	"bragi/cmd/internal/config/store"
	"bragi/cmd/internal/control"
	"bragi/cmd/internal/file"
	"bragi/cmd/internal/httpface"
	"bragi/cmd/internal/netport"
	"bragi/cmd/internal/pipeline"
	"bragi/cmd/internal/status"
	"bragi/cmd/internal/syslog"
	"bragi/cmd/internal/version"
	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/master"
	"bragi/master/twin"
	"bragi/master/udp"
	"bragi/master/wire"
)

// Daemon is a Pipeline with its goroutines, devices and sockets. The lock
// guards the pipeline and the faces; the packet path never takes it.
type Daemon struct {
	*diary
	cfg     *config.Config
	devices *devices
	port    *netport.Port
	memory  *memoryKeeper
	keep    *keeper
	drills  *drillKeeper
	source  source
	syslog  *syslog.Sender // nil: none

	begun       *config.Config                    // that the service was made with
	reloading   sync.Mutex                        // held by one reload or commit; it guards used and left
	left        *control.Left                     // what a console did not commit; nil: nothing
	used        string                            // the hash of the text whose configuration runs, as far as it does not wait
	waiting     atomic.Pointer[[]string]          // keys that wait for a restart
	unconfirmed atomic.Pointer[store.Unconfirmed] // nil: no commit waits for its confirmation
	end         func()                            // ends the daemon
	started     time.Time

	leapMu sync.Mutex // never taken under mu
	leap   leapFile

	mu        sync.Mutex
	pipe      *pipeline.Pipeline
	alarms    *alarms.Set
	past      clockPast
	cleared   *status.Cleared // the counters, by an operator; nil: never
	server    *udp.Server     // nil while the address is waited for
	look      *pipeline.Look  // at the latest tick
	lookedAt  time.Time       // when that was
	steps     int             // of the clock that were told
	walk      []status.Step
	service   udp.Status             // the latest answer of the packet path
	guests    guests                 // the packets' thread's; empty before it serves
	known     *twin.Report           // what is known of the twin; nil: nothing
	says      map[master.Key]*says   // what clients said
	gone      map[netip.Addr]gone    // expected clients whose grants have ended
	loss      loss                   // of the service, by the latest answer
	table     status.ClientTable     // by the latest answer
	short     string                 // who fills it, while few places are left
	unsaid    uint64                 // events of clients that were not told, as far as that was told
	unsaidAt  timescale.Mono         // when
	missing   bool                   // master.address is no address of this machine
	stampless timescale.Mono         // when packets last came without a receive stamp
	connected bool                   // the receiver's serial port is open
	light     string                 // the LED that shows the state, or why none does
	pulseOn   timescale.Mono         // when the pulse's device was opened; zero: it is not open
	stamped   bool                   // it has stamped an edge since
	outside   map[alarms.Code]string // conditions that the pipeline does not see
}

// stamplessShown is how long an alarm for packets without a stamp stays.
const stamplessShown = 10 * time.Second

// servingNice is the serving thread's priority: a real-time policy among Go's
// threads stalls a machine of one core.
const servingNice = -20

// walkLength is how many changes of state and class the status keeps.
const walkLength = 32

// leastThreads is how many threads may run Go code at the same time: the serving
// one keeps its share in short waits, and the others need theirs.
const leastThreads = 3

// gcPercent is how much the heap may grow between two collections: a quarter of
// Go's default. Little is allocated, so that memory is saved for some collections
// more.
const gcPercent = 25

// run is the daemon's life: everything is opened, then served until ctx ends.
func run(ctx context.Context, cfg *config.Config, used string, from source, events *diary, sender *syslog.Sender) (err error) {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(leastThreads, runtime.NumCPU()))
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if err := file.OwnFolder(cfg.Control.RunDir); err != nil {
		return fmt.Errorf("control.run_dir: %w", err)
	}
	// A second bragid would steer the first one's clock before it met its socket.
	unlock, err := file.Lock(filepath.Join(cfg.Control.RunDir, "bragid.lock"))
	if errors.Is(err, file.ErrLocked) {
		return fmt.Errorf("another bragid runs in %s (fix: stop it, or give this one another control.run_dir)", cfg.Control.RunDir)
	}
	if err != nil {
		return fmt.Errorf("control.run_dir: %w", err)
	}
	defer unlock()
	if sender != nil {
		// The sender outlives the signal that ends the daemon: the last event must
		// leave too.
		sending, quiet := context.WithCancel(context.WithoutCancel(ctx))
		sent := make(chan struct{})
		go func() { sender.Run(sending); close(sent) }()
		defer func() { quiet(); <-sent }()
	}
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	d := &Daemon{diary: events, cfg: cfg, started: time.Now(), keep: newKeeper(cfg, events.happened), source: from, used: used, end: stop, syslog: sender, alarms: alarms.NewSet(), outside: map[alarms.Code]string{}, says: map[master.Key]*says{}, gone: map[netip.Addr]gone{}}
	if d.devices, err = openDevices(ctx, cfg, d.keep); err != nil {
		return err
	}
	defer d.devices.close()
	d.port = netport.New(d.portConfig())
	d.watchUnconfirmed()
	if err := d.recall(); err != nil {
		return err
	}
	var cut []status.Event
	d.drills, cut = openDrills(drillFolder(cfg.Control.RunDir, cfg.Simulated()))
	for _, e := range cut {
		d.happened(e)
	}
	servo := cfg.Servo()
	servo.Memory = d.memory.used
	late := cfg.PulseDelay(d.devices.pulse)
	servo.InputNs = float64(late.Uncertainty)
	d.leap = leapFile{path: cfg.GNSS.LeapFile, table: timescale.Builtin()}
	if _, err := d.leap.read(); err != nil && d.leap.path != "" {
		d.condition(alarms.LeapFile, err.Error())
	}
	d.pipe = pipeline.New(pipeline.Config{
		Servo: servo, Reference: gnss.ReferenceConfig{Leap: d.leap.table, Floor: timescale.UTCFromNs(version.BuildDate() * int64(time.Second)), AntennaDelay: cfg.GNSS.AntennaDelay, PulseDelay: late.Delay, MessageDelay: cfg.GNSS.MessageDelay},
		References: pipelineReferences(cfg), Rules: selectionRules(cfg), LimitNs: float64(cfg.Selection.Limit),
		EgressNs: pipeline.UnmeasuredEgressNs, Profile: cfg.Master.QualityProfile(), Squelch: cfg.Master.Squelch, Temperature: d.devices.thermometer.readC,
	}, d.devices.clock)
	d.begun = cfg
	service, err := newMaster(cfg)
	if err != nil {
		return err
	}
	if err := d.begin(service); err != nil {
		return err
	}
	listener, err := control.Listen(cfg.SocketPath())
	if err != nil {
		return err
	}
	var knobs control.Sim
	if d.devices.sim != nil {
		knobs = knobsOf(cfg, d.devices.sim, d.devices.others)
	}
	d.happened(status.Started{Version: version.Version, Profile: cfg.Board.Profile, Clock: d.devices.clock.Info().Name, Address: cfg.Master.Address, Socket: cfg.SocketPath()})
	d.tick() // what to announce, and the Status, are known before anything is served
	faces := control.NewServer(control.Handler(d, knobs))
	running.Go(func() { faces.Serve(listener) }) //nolint:errcheck // it ends when it is closed
	defer faces.Close()
	running.Go(func() { d.shine(ctx, func() (*board.LED, error) { return openLight(cfg) }) })
	if over := httpConfig(cfg.Control); over.Address != "" {
		running.Go(func() {
			httpface.New(over, d.Latest).Run(ctx, func(wrong string) { d.condition(alarms.HTTPFace, wrong) })
		})
	}
	running.Go(func() { d.devices.port.Run(ctx, d.bytes, d.portEvent) }) //nolint:errcheck // it ends with ctx
	running.Go(func() { d.pulses(ctx) })
	for _, in := range d.devices.others {
		d.runInput(ctx, in, &running)
	}
	running.Go(func() { d.remember(ctx) })
	running.Go(func() { d.keepDrills(ctx) })
	running.Go(func() { d.keepClocks(ctx) })
	d.seekOpinions(ctx, cfg, &running)
	if path := cfg.NTP.Refclock; path != "" {
		running.Go(func() { d.feedChrony(ctx, path) })
	}
	running.Go(func() { d.reloadOnSignal(ctx) })
	running.Go(func() { d.watchLeapFile(ctx) })
	if setsSystemClock(cfg) {
		running.Go(func() { d.keepSystemClock(ctx) })
	}
	running.Go(func() { d.takeBackUnconfirmed(ctx) })
	served := make(chan error, 1)
	running.Go(func() { served <- d.serve(ctx, service) })
	daemon.SdNotify(false, daemon.SdNotifyReady) //nolint:errcheck // without systemd there is nobody to tell
	err = d.loop(ctx, served)
	daemon.SdNotify(false, daemon.SdNotifyStopping) //nolint:errcheck // likewise
	d.happened(status.Stopped{After: time.Since(d.started).Round(time.Second)})
	return err
}

// serve opens the PTP ports and serves until ctx ends. An address that no
// interface has yet is waited for; an alarm says so.
func (d *Daemon) serve(ctx context.Context, m *master.Master) error {
	server, err := d.listen(ctx, m.Identity())
	if err != nil || server == nil {
		return err
	}
	defer server.Close()
	d.mu.Lock()
	shares := guests{newMonitor(m, d.cfg), newTwin(m.Identity().Clock, d.cfg)}
	d.server, d.guests = server, shares
	server.SetAnnouncement(d.look.Announcement)
	d.mu.Unlock()
	d.port.Begin(server)
	var watching sync.WaitGroup
	defer watching.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	watching.Go(func() { d.watchService(ctx, shares) })
	watching.Go(func() { d.catchUp(server) })
	watching.Go(func() { d.port.Watch(ctx) })
	watching.Go(func() { d.keepGrants(ctx, server) })
	d.mu.Lock()
	d.keep.resumed.ServingMs = float64(time.Since(processBegan).Microseconds()) / 1e3
	d.mu.Unlock()
	err = server.Serve(ctx, m, d.devices.clock, shares.list()...)
	stop()
	watching.Wait()
	m.Export(board.Raw(), &d.keep.saved)
	d.keep.writeGrants()
	return err
}

// listen is nil without an error when ctx ended first.
func (d *Daemon) listen(ctx context.Context, identity wire.PortIdentity) (*udp.Server, error) {
	d.mu.Lock()
	cfg := d.cfg
	d.mu.Unlock()
	ports := udp.Config{Address: cfg.Master.Addr(), EventPort: cfg.Master.EventPort, GeneralPort: cfg.Master.GeneralPort,
		DSCP: cfg.Master.DSCP, Nice: servingNice, Management: cfg.Master.Management != "off",
		Latencies: latencies(cfg.Board), Twins: udp.Twins{Group: groupTwins(cfg.Board)}, Identity: identity.Clock,
		Inherited: d.keep.sockets.descriptors(), Before: d.keep.before}
	for {
		server, err := udp.Listen(ports)
		if !errors.Is(err, unix.EADDRNOTAVAIL) {
			d.condition(alarms.AddressMissing, "")
			return server, err
		}
		d.condition(alarms.AddressMissing, err.Error())
		select {
		case <-ctx.Done():
			return nil, nil
		case <-time.After(time.Second):
		}
	}
}

// newMaster makes the master of a configuration.
func newMaster(cfg *config.Config) (*master.Master, error) {
	c, err := masterConfig(cfg)
	if err != nil {
		return nil, err
	}
	return master.New(c)
}

func masterConfig(cfg *config.Config) (master.Config, error) {
	identity, err := identityOf(cfg)
	if err != nil {
		return master.Config{}, err
	}
	own := ownPrefixes(cfg.Master.Addr())
	host, _ := os.Hostname() // nothing else depends on it
	syncCorrection, delayRespCorrection := latencies(cfg.Board).Corrections()
	return master.Config{
		Identity: identity, Domain: cfg.Master.Domain, Priority1: cfg.Master.Priority1, Priority2: cfg.Master.Priority2,
		MaxClients: cfg.Master.MaxClients, Allow: cfg.Master.AllowList(own), Deny: cfg.Master.Deny, Trusted: cfg.Master.TrustedList(), Monitor: cfg.Master.Monitor,
		Open: cfg.Master.Open, Pdelay: cfg.Master.Pdelay, TwoStepFor: cfg.Master.TwoStepFor,
		SyncCorrection: syncCorrection, DelayRespCorrection: delayRespCorrection,
		MinorVersion: cfg.Master.MinorVersion, MaxRate: cfg.Master.PacketBudget,
		Management: cfg.Master.Management != "off", ManagementSet: cfg.Master.Management == "set",
		Description: master.Description{Product: "bragi;" + cfg.Board.Profile + ";", Revision: ";;" + version.Version, User: host}, Seed: rand.Uint64(), Profile: cfg.Master.ProfileIdentity(),
	}, nil
}

// tickEvery is how often time passes in the pipeline.
const tickEvery = pipeline.Every

// loop ticks until ctx ends or the service fails, and tells systemd's watchdog
// that it does.
func (d *Daemon) loop(ctx context.Context, served <-chan error) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		d.happened(status.ConfigDoubted{What: "systemd's watchdog is not understood: " + err.Error()})
	}
	var petted time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-served:
			if ctx.Err() != nil {
				return nil
			}
			return err
		case at := <-tick.C:
			d.tick()
			d.keepAlive()
			d.tellReceiver()
			if watchdog > 0 && at.Sub(petted) >= watchdog/3 {
				daemon.SdNotify(false, daemon.SdNotifyWatchdog) //nolint:errcheck // systemd acts when it hears nothing
				petted = at
			}
		}
	}
}

// tick lets time pass in the pipeline, and looks at it once.
func (d *Daemon) tick() {
	port := d.port.Troubles()
	d.mu.Lock()
	defer d.mu.Unlock()
	now, wall := board.Raw(), time.Now()
	if d.pipe.Tick(now, d.serves()) {
		d.keep.changed()
	}
	d.take(wall, d.pipe.Look(now), port)
}

// take hands on what a look at wall shows: what to announce, what has changed, what
// is wrong, at the network port too. The caller holds the lock.
func (d *Daemon) take(wall time.Time, look *pipeline.Look, port []alarms.Raised) {
	if d.server != nil && look.Announcement != d.look.Announcement {
		d.server.SetAnnouncement(look.Announcement)
	}
	d.utc.Store(d.utcOf(look))
	d.see(wall, look)
	d.past.add(pointOf(wall, look))
	d.drillOver()
	for _, change := range d.alarms.Update(wall, append(d.conditions(look), port...)) {
		d.happened(alarmEvent(change))
	}
	d.ticked()
}

// utcOf is how the served clock knows UTC: once it was locked, as long as it can be
// read. Its bound holds while its class says that the time is traceable.
func (d *Daemon) utcOf(look *pipeline.Look) *utc {
	said := look.Announcement
	if !said.PTPTimescale || !said.CurrentUTCOffsetValid || d.cfg.Sim.Capture != "" { // a recording has a date of its own
		return nil
	}
	u := &utc{leap: look.LeapTable, read: func() timescale.TAI { return d.devices.clock.Local(board.Raw()).AssumeTAI() }}
	if said.TimeTraceable && look.Report.BoundNs < 1e9 {
		within := int64(look.Report.BoundNs/1e3) + 2 // a microsecond of the reading, and the rest of one
		u.quality = status.TimeQuality{Synced: true, AccuracyUs: &within}
	}
	return u
}

// conditions are all that is wrong: in the pipeline, beside it, and at the service.
func (d *Daemon) conditions(look *pipeline.Look) []alarms.Raised {
	raised := slices.Clip(look.Troubles)
	for code, detail := range d.outside {
		one := alarms.Raised{Code: code, Detail: detail}
		if code == alarms.ReceiverDevice || code == alarms.PulseDevice || code == alarms.PulseUnstamped {
			one.Instead = look.Instead
		}
		raised = append(raised, one)
	}
	if d.syslog != nil {
		lost, away := syslog.Troubles(d.syslog.Status())
		for code, list := range map[alarms.Code][]string{alarms.SyslogLost: lost, alarms.SyslogAway: away} {
			if len(list) > 0 {
				raised = append(raised, alarms.Raised{Code: code, Detail: strings.Join(list, "; ")})
			}
		}
	}
	if look.Announcement.Squelched {
		raised = append(raised, alarms.Raised{Code: alarms.Squelched, Detail: fmt.Sprintf("class %d", look.Announcement.ClockClass)})
	}
	if missing := d.devices.thermometer.missing(); missing != "" {
		raised = append(raised, alarms.Raised{Code: alarms.NoThermometer, Detail: missing})
	}
	raised = append(raised, d.configTroubles()...)
	if detail := d.unstamped(look, d.devices.clock.Info().Driver, board.KernelRelease()); detail != "" {
		raised = append(raised, alarms.Raised{Code: alarms.PulseUnstamped, Detail: detail})
	}
	if why := d.drillFailed(); why != "" {
		raised = append(raised, alarms.Raised{Code: alarms.DrillFailed, Detail: why})
	}
	if why := d.notKept(); why != "" {
		raised = append(raised, alarms.Raised{Code: alarms.NotKept, Detail: why})
	}
	raised = append(raised, masterTroubles(d.service)...)
	if d.loss.why != "" {
		raised = append(raised, alarms.Raised{Code: alarms.ServiceLost, Detail: d.loss.why})
	}
	if detail := absent(d.cfg.Master.Expected, d.service); detail != "" && look.Announcement.Serve {
		raised = append(raised, alarms.Raised{Code: alarms.ClientMissing, Detail: detail})
	}
	raised = append(raised, d.twinTroubles(look.Announcement)...)
	if d.short != "" {
		raised = append(raised, alarms.Raised{Code: alarms.ClientTable, Detail: d.short})
	}
	if !d.stampless.IsZero() && look.At.Sub(d.stampless) < stamplessShown {
		raised = append(raised, alarms.Raised{Code: alarms.NoReceiveStamps, Detail: fmt.Sprintf("%d since the start", d.service.Transport.StampsMissing)})
	}
	return raised
}

// watchService asks the packet path once a second how it stands, and logs what
// happens to clients.
func (d *Daemon) watchService(ctx context.Context, g guests) {
	ask := time.NewTicker(time.Second)
	defer ask.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-d.server.Events():
			d.mu.Lock()
			name := d.nameOf(e.Client.Address.String())
			d.follow(e, name)
			d.mu.Unlock()
			d.happened(clientEvent(e, name))
		case <-ask.C:
			d.seekAddress()
			d.askService(ctx)
			d.askGuests(ctx, d.server, g)
			d.measureEgress()
			d.port.Judge(time.Now())
		}
	}
}

// askService refreshes what is known of the packet path.
func (d *Daemon) askService(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	d.mu.Lock()
	server := d.server
	d.mu.Unlock()
	if server == nil {
		return
	}
	s, err := server.Status(ctx)
	if err != nil {
		return // the old answer stands; a service that ended ends the daemon
	}
	d.port.Observe(s.Transport)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tellGap(s)
	d.tellUnsaid(s)
	if s.Transport.StampsMissing > d.service.Transport.StampsMissing {
		d.stampless = s.At
	}
	d.service = s
	d.loss = d.loss.next(s, d.cfg.Master.Address, d.missing)
	d.table = tableStatus(s, d.cfg.Master.MaxClients)
	d.short = tableShort(s, d.table)
}

// measureEgress hands the packet path's measured error to the pipeline.
func (d *Daemon) measureEgress() {
	if bound, ok := d.port.EgressBoundNs(); ok {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.pipe.MeasuredEgress(bound)
	}
}

// bytes takes what the receiver sent.
func (d *Daemon) bytes(received timescale.Mono, chunk []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pipe.Bytes(received, chunk)
	d.devices.receiver.feed(received, chunk)
}

// condition sets or, with an empty detail, clears a condition that the pipeline
// does not see.
func (d *Daemon) condition(code alarms.Code, detail string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if detail == "" {
		delete(d.outside, code)
		return
	}
	d.outside[code] = detail
}

// bestGuess is the date that a free run starts from when the board's clock has
// none: what CLOCK_REALTIME says, but no earlier than the program was built, and
// no earlier than it last wrote down what it knows of the oscillator.
func (d *Daemon) bestGuess() timescale.TAI {
	unix := max(time.Now().UnixNano(), version.BuildDate()*int64(time.Second))
	guess := timescale.Builtin().ToTAI(timescale.UTCFromNs(unix))
	if kept := d.memory.date(); guess.Sub(kept) < 0 {
		return kept
	}
	return guess
}

// Drain sends every client away, or lets them come again.
func (d *Daemon) Drain(on bool) error {
	d.mu.Lock()
	server := d.server
	_, stood := d.outside[alarms.Drained]
	d.mu.Unlock()
	switch {
	case server == nil:
		return errors.New("nothing is served yet (fix: bragi show alarms)")
	case !on && !stood:
		return nil
	}
	if on {
		server.Drain()
	} else {
		server.Resume()
	}
	standing := ""
	if on {
		standing = "since " + time.Now().Format(time.TimeOnly)
	}
	d.condition(alarms.Drained, standing)
	d.happened(status.DrainChanged{On: on})
	return nil
}

// masterTroubles are the conditions of the service.
func masterTroubles(service udp.Status) []alarms.Raised {
	if service.Snapshot == nil {
		return nil
	}
	var raised []alarms.Raised
	served := servedSince(service)
	for _, s := range service.Suspects {
		if refusalOver(service, s, served[s.Address]) {
			continue
		}
		detail := fmt.Sprintf("%v: %v, %s", s.Address, s.Reason, status.Count(s.Count, "time"))
		switch s.Reason {
		case master.WrongDomain:
			raised = append(raised, alarms.Raised{Code: alarms.WrongDomain, Detail: fmt.Sprintf("%v asks in domain %d, %s", s.Address, s.Domain, status.Count(s.Count, "time"))})
		case master.AddressDenied:
			list := fmt.Sprintf("master.allow lacks \"%v/32\"", s.Address)
			if prefix, _ := service.Unwelcome(s.Address); prefix.IsValid() {
				list = fmt.Sprintf("master.deny has \"%v\"", prefix)
			}
			raised = append(raised, alarms.Raised{Code: alarms.ClientDenied, Detail: detail + "; " + list})
		case master.WrongTarget:
			if s.Type == wire.TypeSignaling {
				raised = append(raised, alarms.Raised{Code: alarms.ForeignTarget, Detail: fmt.Sprintf("%v asks for %v, %s; we are %v", s.Address, s.Target.Clock, status.Count(s.Count, "time"), service.Identity.Clock)})
			}
		case master.TableFull, master.ShareTaken, master.OverBudget, master.NoStamp:
			raised = append(raised, alarms.Raised{Code: alarms.ClientDenied, Detail: detail})
		}
	}
	raised = append(raised, clientTroubles(service)...)
	return raised
}
