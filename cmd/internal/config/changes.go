package config

import (
	"reflect"
	"slices"
)

// settable is a key, its field, and whether a daemon can change it while it
// serves.
type settable struct {
	key   string
	field func(*Config) any // a pointer to it
	live  bool
}

const live, restart = true, false

// settables are all keys, and [[reference]] as one.
var settables = []settable{
	{"board.profile", func(c *Config) any { return &c.Board.Profile }, restart},
	{"board.interface", func(c *Config) any { return &c.Board.Interface }, restart},
	{"board.phc", func(c *Config) any { return &c.Board.PHC }, restart},
	{"board.ingress_latency", func(c *Config) any { return &c.Board.IngressLatency }, restart},
	{"board.egress_latency", func(c *Config) any { return &c.Board.EgressLatency }, restart},
	{"board.asymmetry", func(c *Config) any { return &c.Board.Asymmetry }, restart},
	{"board.twins", func(c *Config) any { return &c.Board.Twins }, restart},

	{"gnss.device", func(c *Config) any { return &c.GNSS.Device }, restart},
	{"gnss.baud", func(c *Config) any { return &c.GNSS.Baud }, restart},
	{"gnss.protocol", func(c *Config) any { return &c.GNSS.Protocol }, restart},
	{"gnss.pps", func(c *Config) any { return &c.GNSS.PPS }, restart},
	{"gnss.leap_file", func(c *Config) any { return &c.GNSS.LeapFile }, restart},
	{"gnss.antenna_delay", func(c *Config) any { return &c.GNSS.AntennaDelay }, restart},
	{"gnss.configure", func(c *Config) any { return &c.GNSS.Configure }, restart},
	{"gnss.survey", func(c *Config) any { return &c.GNSS.Survey }, restart},
	{"gnss.survey_accuracy", func(c *Config) any { return &c.GNSS.SurveyAccuracy }, restart},
	{"gnss.position_file", func(c *Config) any { return &c.GNSS.PositionPath }, restart},

	{"holdover.oscillator", func(c *Config) any { return &c.Holdover.Oscillator }, restart},
	{"holdover.spec", func(c *Config) any { return &c.Holdover.Spec }, live},
	{"holdover.learning", func(c *Config) any { return &c.Holdover.Learning }, live},
	{"holdover.max_holdover", func(c *Config) any { return &c.Holdover.MaxHoldover }, live},
	{"holdover.settle", func(c *Config) any { return &c.Holdover.Settle }, live},
	{"holdover.warm_up", func(c *Config) any { return &c.Holdover.WarmUp }, restart},
	{"holdover.on_acquire", func(c *Config) any { return &c.Holdover.OnAcquire }, live},
	{"holdover.state_file", func(c *Config) any { return &c.Holdover.StateFile }, restart},

	{"master.address", func(c *Config) any { return &c.Master.Address }, restart},
	{"master.domain", func(c *Config) any { return &c.Master.Domain }, restart},
	{"master.priority1", func(c *Config) any { return &c.Master.Priority1 }, live},
	{"master.priority2", func(c *Config) any { return &c.Master.Priority2 }, live},
	{"master.profile", func(c *Config) any { return &c.Master.Profile }, live},
	{"master.class_alternative", func(c *Config) any { return &c.Master.ClassAlternative }, live},
	{"master.free_run_class", func(c *Config) any { return &c.Master.FreeRunClass }, live},
	{"master.max_clients", func(c *Config) any { return &c.Master.MaxClients }, restart},
	{"master.allow", func(c *Config) any { return &c.Master.Allow }, live},
	{"master.trusted", func(c *Config) any { return &c.Master.Trusted }, live},
	{"master.deny", func(c *Config) any { return &c.Master.Deny }, live},
	{"master.open", func(c *Config) any { return &c.Master.Open }, live},
	{"master.two_step_for", func(c *Config) any { return &c.Master.TwoStepFor }, restart},
	{"master.event_port", func(c *Config) any { return &c.Master.EventPort }, restart},
	{"master.general_port", func(c *Config) any { return &c.Master.GeneralPort }, restart},
	{"master.management", func(c *Config) any { return &c.Master.Management }, live}, // see liveNow
	{"master.minor_version", func(c *Config) any { return &c.Master.MinorVersion }, live},
	{"master.packet_budget", func(c *Config) any { return &c.Master.PacketBudget }, live},
	{"master.pdelay", func(c *Config) any { return &c.Master.Pdelay }, live},
	{"master.squelch", func(c *Config) any { return &c.Master.Squelch }, live},
	{"master.sync_mode", func(c *Config) any { return &c.Master.SyncMode }, restart},
	{"master.kernel_sync", func(c *Config) any { return &c.Master.KernelSync }, restart},
	{"master.residual_limit", func(c *Config) any { return &c.Master.ResidualLimit }, live},
	{"master.on_residual", func(c *Config) any { return &c.Master.OnResidual }, restart},
	{"master.dscp", func(c *Config) any { return &c.Master.DSCP }, live},
	{"master.free_run_after", func(c *Config) any { return &c.Master.FreeRunAfter }, live},

	{"reference", func(c *Config) any { return &c.References }, restart},

	{"control.run_dir", func(c *Config) any { return &c.Control.RunDir }, restart},
	{"control.socket", func(c *Config) any { return &c.Control.Socket }, restart},

	{"syslog.targets", func(c *Config) any { return &c.Syslog.Targets }, live},
	{"syslog.format", func(c *Config) any { return &c.Syslog.Format }, live},

	{"sim.oscillator", func(c *Config) any { return &c.Sim.Oscillator }, restart},
	{"sim.receiver", func(c *Config) any { return &c.Sim.Receiver }, restart},
	{"sim.seed", func(c *Config) any { return &c.Sim.Seed }, restart},
	{"sim.start_offset", func(c *Config) any { return &c.Sim.StartOffset }, restart},
	{"sim.time_to_fix", func(c *Config) any { return &c.Sim.TimeToFix }, restart},
	{"sim.fix_hold", func(c *Config) any { return &c.Sim.FixHold }, restart},
	{"sim.antenna", func(c *Config) any { return &c.Sim.AntennaCut }, restart},
	{"sim.capture", func(c *Config) any { return &c.Sim.Capture }, restart},
	{"sim.survey_speed", func(c *Config) any { return &c.Sim.SurveySpeed }, restart},
	{"sim.quantum", func(c *Config) any { return &c.Sim.QuantumPPB }, restart},
}

// Update is what becomes of a running configuration when another is read: the
// keys that change while clients are served, and those that wait for a restart.
// running is a copy of c with the former.
func (c *Config) Update(next *Config) (running *Config, applied, waiting []string) {
	copied := *c
	running = &copied
	for _, s := range settables {
		have, want := reflect.ValueOf(s.field(running)).Elem(), reflect.ValueOf(s.field(next)).Elem()
		switch {
		case reflect.DeepEqual(have.Interface(), want.Interface()):
		case s.live && liveNow(s.key, c, next):
			have.Set(want)
			applied = append(applied, s.key)
		default:
			waiting = append(waiting, s.key)
		}
	}
	return running, slices.Clip(applied), slices.Clip(waiting)
}

// liveNow is false for a change that needs a restart though others of its key do
// not: management's group is joined at the start.
func liveNow(key string, have, want *Config) bool {
	return key != "master.management" || have.Master.Management != "off" && want.Master.Management != "off"
}
