package show

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bragi/cmd/internal/status"
)

func TestTheHoldoverScreenHasWhatIsAsked(t *testing.T) {
	s := sample()
	written := s.Time.Add(-4 * time.Minute)
	s.Holdover = status.Holdover{Oscillator: "ocxo", Behaves: "tcxo-hi", Learned: true, LockedForS: 90_000, ForS: value(90), SpecNs: 1500, ErrorNs: value(-35.4), SigmaNs: value(8.1),
		BoundNs: value(142), ForecastS: value(15_840), ForecastP50S: value(40_000), ForecastP95S: value(20_000), Class7S: value(14_400), MaxHoldoverS: 14_400, FreqPPB: 34.2237, OscillatorPPB: value(-34.2),
		PulseNoiseNs: value(6.2), TemperatureC: value(31.25),
		Known: &status.Known{FrequencyPPB: -34.2, FrequencySigmaPPB: 0.012, TemperatureC: value(31.25), DriftPPBDay: 0.21, DriftSigmaPPBDay: 0.03,
			Tempco:   []status.Tempco{{LagS: 600, PPBPerC: 0.081, SigmaPPB: 0.004}},
			Horizons: []status.Horizon{{HorizonS: 300, SigmaNs: 9.4, Ratio: 0.98, Samples: 140}, {HorizonS: 43_200, SigmaNs: 2210, Ratio: 1.2, Samples: 1.5}}},
		Memory: &status.Memory{File: "/var/lib/bragi/oscillator", Used: true, Of: "2026-11-20T10:00:37 TAI", Written: &written,
			Refused: []string{"state: /var/lib/bragi/oscillator.a is refused: it is torn or damaged"}},
		Why: []string{"error bound inside the spec", "no pulse"}}
	const want = `Oscillator      told ocxo, behaves like tcxo-hi, learned
Locked for      25h0m0s in all
Not locked      for 1m30s
Time error      -35 ns (estimate, sigma 8 ns), inside +-142 ns
Holdover lasts  4h0m0s from now (holdover.max_holdover: at most 4h0m0s)
Bound inside    +-1.50 us for 4h24m0s from now
Error inside    for 5h33m20s in 19 cases of 20, for 11h6m40s in one of two
Frequency       -34.200 ppb of the oscillator, +34.224 ppb applied
Pulse noise     6 ns
Temperature     31.25 C
Known           -34.2000 ppb at 31.25 C, sigma 0.0120 ppb
                drift +0.2100 ppb a day, sigma 0.0300
                +0.0810 ppb a degree behind a lag of 10m0s, sigma 0.0040
Memory          /var/lib/bragi/oscillator, written 4m0s ago; at the start bragid used what was known at 2026-11-20T10:00:37 TAI
                state: /var/lib/bragi/oscillator.a is refused: it is torn or damaged
Why             error bound inside the spec
                no pulse
Virtual holdovers:
    after  error, rms  over the forecast  tries
     5m0s        9 ns               0.98  140.0
  12h0m0s     2.21 us               1.20    1.5
`
	if d := cmp.Diff(want, Holdover(s)); d != "" {
		t.Error(d)
	}
	s.Holdover.Oscillator, s.Holdover.Behaves, s.Holdover.TemperatureC, s.Holdover.Thermometer = "auto", "", nil, "none"
	for _, want := range []string{"of no told kind, behaviour not known yet", "thermometer: none; the oscillator's error", "class 7 is shorter"} {
		if got := Holdover(s); !strings.Contains(got, want) {
			t.Errorf("without %q:\n%s", want, got)
		}
	}
	if got := Holdover(status.Status{}); got == "" {
		t.Error("an empty status draws nothing")
	}
}

// What the clock's screen calls the length of a holdover, the holdover's screen does too.
func TestHoldoverLastsAsLongOnEveryScreen(t *testing.T) {
	s := sample()
	s.Clock.ForecastS = value(0)
	s.Holdover = status.Holdover{SpecNs: 1500, MaxHoldoverS: 60, ForecastS: value(5847), ForecastP50S: value(9000), Class7S: s.Clock.ForecastS}
	for name, text := range map[string]string{"clock": Clock(s), "holdover": Holdover(s)} {
		if !strings.Contains(text, "Holdover lasts") || !strings.Contains(text, " 0.0s from now") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	s.References.List = []status.Reference{{Kind: "internal", Name: "internal"}}
	if text := References(s, 0); !strings.Contains(text, "class 7 for 0.0s") {
		t.Errorf("references:\n%s", text)
	}
}
