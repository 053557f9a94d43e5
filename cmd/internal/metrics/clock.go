package metrics

import (
	"fmt"

	"bragi/cmd/internal/status"
)

var (
	class     = describe("clock_class", "clockClass announced (6, 7, 52, 58 and their alternatives), or that would be while bragi_serving is 0.")
	state     = describe("clock_state", "1 for the state of the clock.", "state")
	serving   = describe("serving", "1 while clients are served.")
	squelched = describe("squelched", "1 while master.squelch keeps clients away at this class.")
	draining  = describe("draining", "1 while the operator sends clients away.")
	timeError = describe("time_error_seconds", "Estimated error of the served clock; positive: ahead.")
	sigma     = describe("time_error_sigma_seconds", "One standard deviation of the estimated error.")
	bound     = describe("time_error_bound_seconds", "The true error is inside +- this.")
	spec      = describe("holdover_spec_seconds", "Class 7 needs a bound inside this (holdover.spec).")
	forecast  = describe("holdover_forecast_seconds", "How long class 7 would last if holdover began now.")
	inSpec    = describe("holdover_in_spec_seconds", "How long the bound would stay inside the spec without a pulse.")
	away      = describe("holdover_seconds", "Since the pulse was lost; absent while it is there.")
	forced    = describe("holdover_forced", "1 while an operator forces holdover: no pulse is used.")
	learned   = describe("holdover_learned", "1 once the clock was locked for as long as holdover.learning asks.")
	frequency = describe("frequency_correction_ppb", "Correction applied to the clock.")
	own       = describe("oscillator_frequency_ppb", "The oscillator's own frequency, as it is seen now.")
	drift     = describe("oscillator_drift_ppb_per_day", "The oscillator's drift, as it was learned.")
	warmth    = describe("temperature_celsius", "Of the thermometer beside the oscillator.")
	steps     = describe("clock_steps_total", "Steps of the clock since its power came.")
	pulses    = describe("pulses_total", "Pulses of the receiver, by what became of them.", "judgement")
	noise     = describe("pulse_noise_seconds", "Standard deviation of the pulses as measured.")
	drilling  = describe("drill_running", "1 while a holdover drill runs.")
	drillEnd  = describe("drill_last_end_timestamp_seconds", "When the last holdover drill ended; absent before the first.")
	drillGood = describe("drill_last_passed", "1 when bound and forecast held in the last holdover drill, 0 when not; absent when nothing was judged.")
	drillFor  = describe("drill_last_judged_seconds", "For how long pulses judged the last holdover drill.")
	drillErr  = describe("drill_last_error_seconds", "Error at the end of the last holdover drill, against the pulse; positive: ahead.")
	drillMost = describe("drill_last_bound_seconds", "Bound at the end of the last holdover drill.")
	tdev      = describe("pulse_tdev_seconds", "TDEV of the pulse against the clock that follows it, by averaging time in seconds.", "tau")
	mtie      = describe("pulse_mtie_seconds", "MTIE of the pulse against the clock that follows it, by averaging time in seconds.", "tau")
	mask      = describe("prtc_mask_met", "1 while TDEV and MTIE of the pulse against the clock are inside a mask of G.8272; the pulse's own noise is in them.", "mask")
	offsets   = describe("pulse_residual_seconds", "The served clock less the pulse, of the pulses believed in LOCKED; positive: the clock was ahead.")
)

func (t teller) clock(s *status.Status) {
	c, h := &s.Clock, &s.Holdover
	t.gauge(class, float64(c.ClockClass))
	t.gauge(state, 1, c.StateName)
	t.truth(serving, c.Serving)
	t.truth(squelched, c.Squelched)
	t.truth(draining, c.Draining)
	t.known(timeError, c.TimeErrorNs, ns)
	t.known(sigma, h.SigmaNs, ns)
	t.known(bound, c.BoundNs, ns)
	t.truth(forced, h.Forced)
	t.known(forecast, c.ForecastS, 1)
	t.known(inSpec, h.ForecastS, 1)
	t.known(away, h.ForS, 1)
	if h.SpecNs > 0 {
		t.gauge(spec, h.SpecNs/ns)
		t.truth(learned, h.Learned)
	}
	t.gauge(frequency, c.FreqPPB)
	t.known(own, h.OscillatorPPB, 1)
	if h.Known != nil {
		t.gauge(drift, h.Known.DriftPPBDay)
	}
	t.known(warmth, h.TemperatureC, 1)
	t.count(steps, uint64(c.Steps))
	t.count(pulses, c.Pulses, "accepted")
	t.count(pulses, c.PulsesRejected, "rejected")
	t.known(noise, h.PulseNoiseNs, ns)
	t.histogram(offsets, c.PulseResiduals)
	t.drills(h.Drills)
	t.stability(s.Stability)
}

func (t teller) stability(s *status.Stability) {
	if s == nil {
		return
	}
	for _, r := range s.Rows {
		tau := fmt.Sprint(r.TauS)
		if r.TDEVNs != nil && r.MTIENs != nil {
			t.gauge(tdev, *r.TDEVNs/ns, tau)
			t.gauge(mtie, *r.MTIENs/ns, tau)
		}
	}
	for _, m := range s.Masks {
		if m.Met != nil {
			t.truth(mask, *m.Met, m.Name)
		}
	}
}

func (t teller) drills(d *status.Drills) {
	if d == nil {
		return
	}
	t.truth(drilling, d.Running != nil)
	if d.Last == nil {
		return
	}
	t.gauge(drillEnd, float64(d.Last.Ended.Unix()))
	t.gauge(drillFor, d.Last.JudgedS)
	if d.Last.Passed != nil {
		t.truth(drillGood, *d.Last.Passed)
		t.known(drillErr, d.Last.ErrorNs, ns)
		t.known(drillMost, d.Last.BoundNs, ns)
	}
}
