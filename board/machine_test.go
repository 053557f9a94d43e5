package board

import (
	"math"
	"math/rand/v2"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/board/kernelclock"
	"bragi/gnss/timescale"
)

// machine is a computer of software with a PHC: each reading of a clock takes
// some time, and the clocks are what the test makes of them.
type machine struct {
	rng      *rand.Rand
	raw      float64 // ns
	realtime int64   // CLOCK_REALTIME minus CLOCK_MONOTONIC_RAW

	phc        float64 // reading at phcSince
	phcSince   float64
	ratePPB    float64 // without correction
	correction float64
	unseen     float64 // what of the correction the driver has lost
	frozen     bool

	readNs     float64 // what reading a clock takes
	interrupts float64 // probability that an interrupt comes between, which takes 20 us
	supported  map[uint]bool
	rawClockID bool // PTP_SYS_OFFSET_EXTENDED knows clockid
	caps       unix.PtpClockCaps
	adjustErr  error
	path       string
	gone       error // what every call of the device fails with
	lost       error // what looking for it fails with
	jumpNs     int64 // CLOCK_REALTIME jumps by it in the next ioctls
	jumps      int

	lastAdjust kernelclock.Timex
	calls      []uint
	closed     bool
}

func newMachine(supported ...uint) *machine {
	m := &machine{
		rng: rand.New(rand.NewPCG(1, 2)), raw: 5e12, realtime: 1_795_000_000e9, phc: 1_795_000_037e9, phcSince: 5e12,
		path: "/dev/ptp7", ratePPB: 4600, readNs: 150, supported: map[uint]bool{},
		caps: unix.PtpClockCaps{Max_adj: 1_000_000, N_ext_ts: 2},
	}
	for _, s := range supported {
		m.supported[s] = true
	}
	return m
}

func (m *machine) pass(ns float64) { m.raw += ns }

// took lets a reading pass, with some scatter.
func (m *machine) took() {
	m.pass(m.readNs * (0.8 + 0.4*m.rng.Float64()))
	if m.interrupts > 0 && m.rng.Float64() < m.interrupts {
		m.pass(20_000)
	}
}

func (m *machine) phcNow() float64 {
	if m.frozen {
		return 0
	}
	return m.phcAt(m.raw)
}

func (m *machine) phcAt(raw float64) float64 {
	d := raw - m.phcSince
	return m.phc + d + d*(m.ratePPB+m.correction)*1e-9
}

func (m *machine) settle() { m.phc, m.phcSince = m.phcNow(), m.raw }

// lostCorrection is a driver that begins anew: the kernel still thinks it steers.
func (m *machine) lostCorrection() { m.correction, m.unseen = 0, m.correction }

func (m *machine) clocks() kernelClocks { return kernelClocks{m.pair, m.rawNow} }

func (m *machine) rawNow() timescale.Mono {
	m.took()
	return timescale.MonoFromNs(int64(m.raw))
}

// pair is the narrowest of some sandwiches, as ReadPair's.
func (m *machine) pair() (kernelclock.Pair, error) {
	var best kernelclock.Pair
	for i := range kernelclock.PairTries {
		before := m.rawNow()
		m.took()
		rt := int64(m.raw) + m.realtime
		width := m.rawNow().Sub(before)
		if i == 0 || int64(width) < best.WidthNs {
			best = kernelclock.Pair{Mono: before.Add(width / 2), Realtime: timescale.UTCFromNs(rt), WidthNs: int64(width)}
		}
	}
	return best, nil
}

func (m *machine) gettime() (int64, error) {
	if m.gone != nil {
		return 0, m.gone
	}
	m.took()
	return int64(m.phcNow()), nil
}

func (m *machine) adjtime(t *kernelclock.Timex) error {
	switch {
	case m.gone != nil:
		return m.gone
	case m.adjustErr != nil && t.Modes != 0:
		return m.adjustErr
	}
	m.took()
	m.lastAdjust = *t
	if t.Modes&kernelclock.AdjFrequency != 0 {
		m.settle()
		m.correction, m.unseen = float64(t.Freq)/freqUnitsPerPPB, 0
	}
	if t.Modes&kernelclock.AdjSetOffset != 0 {
		if t.TimeUsec < 0 || t.TimeUsec >= 1e9 {
			return unix.EINVAL
		}
		m.settle()
		m.phc += float64(t.TimeSec)*1e9 + float64(t.TimeUsec)
	}
	t.Freq = int64(math.Round((m.correction + m.unseen) * freqUnitsPerPPB))
	return nil
}

func (m *machine) close() error {
	m.closed = true
	return nil
}

func ptpTime(ns float64) unix.PtpClockTime {
	s := math.Floor(ns / 1e9)
	return unix.PtpClockTime{Sec: int64(s), Nsec: uint32(ns - s*1e9)}
}

func (m *machine) ioctl(request uint, arg unsafe.Pointer) error {
	m.calls = append(m.calls, request)
	if m.gone != nil {
		return m.gone
	}
	if request == unix.PTP_CLOCK_GETCAPS {
		*(*unix.PtpClockCaps)(arg) = m.caps
		return nil
	}
	if !m.supported[request] {
		return unix.EOPNOTSUPP
	}
	defer func() {
		if m.jumps > 0 {
			m.jumps--
			m.realtime += m.jumpNs
		}
	}()
	realtime := func() float64 { return m.raw + float64(m.realtime) }
	switch request {
	case unix.PTP_SYS_OFFSET_PRECISE:
		m.took()
		*(*unix.PtpSysOffsetPrecise)(arg) = unix.PtpSysOffsetPrecise{Device: ptpTime(m.phcNow()), Realtime: ptpTime(realtime()), Monoraw: ptpTime(m.raw)}
	case unix.PTP_SYS_OFFSET_EXTENDED:
		e := (*unix.PtpSysOffsetExtended)(arg)
		clock := realtime
		switch {
		case e.Clockid == unix.CLOCK_MONOTONIC_RAW && m.rawClockID:
			clock = func() float64 { return m.raw }
		case e.Clockid != 0:
			return unix.EINVAL
		}
		for i := range e.Samples {
			e.Ts[i][0] = ptpTime(clock())
			m.took()
			e.Ts[i][1] = ptpTime(m.phcNow())
			m.took()
			e.Ts[i][2] = ptpTime(clock())
		}
	case unix.PTP_SYS_OFFSET:
		o := (*unix.PtpSysOffset)(arg)
		for i := range o.Samples {
			o.Ts[2*i] = ptpTime(realtime())
			m.took()
			o.Ts[2*i+1] = ptpTime(m.phcNow())
			m.took()
			o.Ts[2*i+2] = ptpTime(realtime())
		}
	}
	return nil
}
