package simulate

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"bragi/cmd/internal/pipeline"
)

// traced names the columns of a trace.
const traced = "s,class,state,truth_ns,estimate_ns,bound_ns,sky_ns,away_ppb,room_c,sigma_ns,rate_sigma_ppb,drift_ppb_s,agility,level,taken,proven,feels,felt,ratio," +
	"doubt_ns,doubt_age_s,moves,offset_ns,width_ns,pulse_off_ns,noise_ns,held_s,held_ns,refused,excused_ns," +
	"xo,tcxo,tcxo_hi,ocxo,rb,xo_blind,tcxo_blind,tcxo_hi_blind,ocxo_blind,rb_blind,why"

// TraceDay judges one day and writes what the clock knew in each of its seconds, beside
// the truth: one line of comma-separated values a second.
//
// truth_ns is the clock less TAI, sky_ns how far the sky's time is moved, away_ppb the
// oscillator's frequency less what the clock takes it for. The rest is holdover.Inside.
func TraceDay(ctx context.Context, d *Day, out io.Writer) (*WeatherResult, error) {
	b := bufio.NewWriter(out)
	fmt.Fprintln(b, traced)
	v, err := judgeLooking(d, func(*Options) {}, func(i int, j *judge, p *simulated) error {
		w, r := j.w, &j.w.Report
		in := w.Pipe.Inside(w.Now)
		class := uint8(0)
		if w.Said.Serve {
			class = w.Said.ClockClass
		}
		fmt.Fprintf(b, "%d,%d,%v,%.1f,%.1f,%.1f,%.1f,%.4g,%.3f,%.1f,%.3g,%.3g,%.3g,%.2f,%v,%t,%t,%t,%.2f,%.1f,%.0f,%t,%.1f,%.1f,%.1f,%.1f,%.0f,%.1f,%d,%.1f",
			i, class, r.State, p.errorNs(w.Now), r.ErrorNs, r.BoundNs, d.lieNs(i), p.oscillatorPPB(w.Now)-r.OscillatorPPB, p.thermometer(),
			in.SigmaNs, in.RateSigma, in.DriftPPBS, in.Agility, in.Level, in.Taken, in.Proven, in.Feels, in.Felt, in.Ratio,
			in.DoubtNs, in.DoubtAgeS, in.Moves, in.OffsetNs, in.WidthNs, in.PulseOffNs, r.PulseNoiseNs, in.HeldS, in.HeldNs, in.Refused, j.excusedNs(i))
		for _, odds := range in.Odds {
			fmt.Fprintf(b, ",%.1f", odds)
		}
		_, err := fmt.Fprintf(b, ",%q\n", pipeline.Why(r.Why))
		if err == nil {
			err = ctx.Err()
		}
		return err
	})
	if err == nil {
		err = b.Flush()
	}
	if err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	return gather([]*Verdict{v}, d.Seed), nil
}
