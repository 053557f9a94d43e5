package board

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"bragi/gnss/timescale"
)

// exttsPipe is the reading side of a PHC: a pipe that the test writes events
// into, and the ioctls of pins and channels.
type exttsPipe struct {
	*machine
	in, out int
	pins    []unix.PtpPinDesc
	enabled []uint32 // channels, as turned on and off
	gone    bool
	asked   []unix.PtpExttsRequest
	refuses func(edges uint32) bool // by the strict version; nil: nothing
	oneUnit bool                    // one channel at a time
	busy    bool
}

func newExttsPipe(t *testing.T, m *machine) *exttsPipe {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fds[1]) })
	return &exttsPipe{machine: m, in: fds[0], out: fds[1]}
}

func (f *exttsPipe) fd() int                    { return f.in }
func (f *exttsPipe) read(b []byte) (int, error) { return unix.Read(f.in, b) }
func (f *exttsPipe) close() error               { return unix.Close(f.in) }

func (f *exttsPipe) ioctl(request uint, arg unsafe.Pointer) error {
	f.calls = append(f.calls, request)
	if f.gone {
		return unix.ENODEV
	}
	if !f.supported[request] {
		return unix.EOPNOTSUPP
	}
	switch request {
	case unix.PTP_EXTTS_REQUEST, unix.PTP_EXTTS_REQUEST2:
		r := (*unix.PtpExttsRequest)(arg)
		f.asked = append(f.asked, *r)
		if r.Flags != 0 && request == unix.PTP_EXTTS_REQUEST2 && f.refuses != nil && f.refuses(r.Flags&^unix.PTP_ENABLE_FEATURE) {
			return unix.EOPNOTSUPP
		}
		if r.Flags != 0 && (f.busy || f.oneUnit && len(f.enabled) > 0) {
			return unix.EBUSY
		}
		if r.Flags != 0 {
			f.enabled = append(f.enabled, r.Index)
		} else {
			f.enabled = slices.DeleteFunc(f.enabled, func(i uint32) bool { return i == r.Index })
		}
	case unix.PTP_PIN_GETFUNC, unix.PTP_PIN_GETFUNC2:
		p := (*unix.PtpPinDesc)(arg)
		*p = f.pins[p.Index]
	case unix.PTP_PIN_SETFUNC, unix.PTP_PIN_SETFUNC2:
		p := (*unix.PtpPinDesc)(arg)
		f.pins[p.Index].Func, f.pins[p.Index].Chan = p.Func, p.Chan
	}
	return nil
}

func (f *exttsPipe) event(t *testing.T, channel uint32, phcNs float64) {
	t.Helper()
	at := ptpTime(phcNs)
	var b []byte
	o := binary.NativeEndian
	b = o.AppendUint64(b, uint64(at.Sec))
	b = o.AppendUint32(b, at.Nsec)
	b = o.AppendUint32(b, 0)
	b = o.AppendUint32(b, channel)
	b = append(b, make([]byte, exttsSize-len(b))...)
	if _, err := unix.Write(f.out, b); err != nil {
		t.Fatal(err)
	}
}

var exttsCalls = []uint{unix.PTP_SYS_OFFSET_EXTENDED, unix.PTP_EXTTS_REQUEST, unix.PTP_EXTTS_REQUEST2, unix.PTP_PIN_GETFUNC2, unix.PTP_PIN_SETFUNC2}

func fakeEXTTS(t *testing.T, calls ...uint) (*EXTTS, *exttsPipe) {
	t.Helper()
	m := newMachine(calls...)
	p := fakePHC(t, m)
	for range 10 {
		m.pass(500e6)
		if _, err := p.Cross(); err != nil {
			t.Fatal(err)
		}
	}
	f := newExttsPipe(t, m)
	f.event(t, 0, m.phcNow()-1e9) // from before
	e, err := newEXTTS(p, 0, f)
	if err != nil {
		t.Fatal(err)
	}
	return e, f
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// Whether an edge near which somebody else set the clock was stamped before or
// after, nobody knows: it is not used.
func TestEXTTSEdgeOfAClockThatWasSetIsNotUsed(t *testing.T) {
	e, f := fakeEXTTS(t, exttsCalls...)
	second := func() float64 {
		f.pass(1e9)
		at := f.phcNow()
		f.event(t, 0, at)
		return at
	}
	second()
	f.phc += 50_000
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if edge, err := e.ReadEdge(ctx); err == nil {
		t.Errorf("the clock was set by 50 us, the edge at %v is used", edge.Local)
	}
	if _, err := e.phc.PutBack(); err != nil {
		t.Fatal(err)
	}
	at := second()
	edge, err := e.ReadEdge(soon(t))
	if off := float64(edge.Local.Ns()) - at; err != nil || off < -1 || off > 1 {
		t.Errorf("put back: %.0f ns off, %v", off, err)
	}
}

func TestEXTTSGivesEachFreshEdgeOfItsChannelOnce(t *testing.T) {
	e, f := fakeEXTTS(t, exttsCalls...)
	for i := range 4 {
		f.pass(1e9)
		raw, at := f.raw, f.phcNow()
		f.pass(3e6)          // the edge is read late
		f.event(t, 1, at+17) // another channel's
		f.event(t, 0, at)    // the edge
		for range i {        // delivered again
			f.event(t, 0, at)
		}
		f.event(t, 0, at-5e9) // from before a step
		edge, err := e.ReadEdge(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		if edge.Local != timescale.LocalFromNs(int64(at)) {
			t.Errorf("edge %d at %v, want %d: the one before the opening, another channel's, a repeated or a stale one?", i, edge.Local, int64(at))
		}
		if off := edge.Mono.Ns() - int64(raw); off < -500 || off > 500 {
			t.Errorf("edge %d: Mono is %d ns off", i, off)
		}
		if edge.SigmaNs <= 0 || edge.SigmaNs > 10 {
			t.Errorf("sigma %v ns", edge.SigmaNs)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if len(f.enabled) != 0 {
		t.Errorf("channels %v are still on", f.enabled)
	}
}

// Linux 7 refuses PTP_EXTTS_REQUEST2 for CPTS and stmmac; old kernels know no
// second version at all.
func TestEXTTSFallsBackToTheFirstVersion(t *testing.T) {
	e, f := fakeEXTTS(t, unix.PTP_SYS_OFFSET, unix.PTP_EXTTS_REQUEST)
	defer e.Close()
	if !slices.Equal(f.enabled, []uint32{0}) {
		t.Errorf("channels on: %v", f.enabled)
	}
	i := slices.Index(f.calls, unix.PTP_EXTTS_REQUEST2)
	if on := len(f.calls) - 1; i < 0 || i > on || f.calls[on] != unix.PTP_EXTTS_REQUEST {
		t.Error("the second version should be tried first")
	}
}

// EOPNOTSUPP of the second version says "these edges I cannot do": both are asked for
// first, then the rising one, and only then the version that checks nothing. The
// channel is turned off before it is turned on.
func TestEXTTSAsksForTheEdgesThatTheDriverCan(t *testing.T) {
	const rising, falling = unix.PTP_RISING_EDGE, unix.PTP_FALLING_EDGE
	for name, tc := range map[string]struct {
		refuses func(uint32) bool
		version uint
		edges   uint32
	}{
		"any":             {nil, unix.PTP_EXTTS_REQUEST2, rising | falling},
		"both only (igb)": {func(edges uint32) bool { return edges != rising|falling }, unix.PTP_EXTTS_REQUEST2, rising | falling},
		"one only":        {func(edges uint32) bool { return edges == rising|falling }, unix.PTP_EXTTS_REQUEST2, rising},
		"does not say":    {func(uint32) bool { return true }, unix.PTP_EXTTS_REQUEST, rising},
	} {
		m := newMachine(exttsCalls...)
		f := newExttsPipe(t, m)
		f.refuses = tc.refuses
		e, err := newEXTTS(fakePHC(t, m), 0, f)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		last := f.asked[len(f.asked)-1]
		if f.asked[0].Flags != 0 {
			t.Errorf("%s: the channel was not turned off first: %+v", name, f.asked)
		}
		if f.calls[len(f.calls)-1] != tc.version || last.Flags != unix.PTP_ENABLE_FEATURE|tc.edges {
			t.Errorf("%s: turned on by %#x with %#x", name, f.calls[len(f.calls)-1], last.Flags)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

func pin(name string, function, channel uint32) unix.PtpPinDesc {
	p := unix.PtpPinDesc{Func: function, Chan: channel}
	copy(p.Name[:], name)
	return p
}

func TestEXTTSSetsAFreePinOrNamesThePins(t *testing.T) {
	const perOut = unix.PTP_PF_PEROUT
	for _, tc := range []struct {
		name    string
		pins    []unix.PtpPinDesc
		want    int // the pin that has channel 1 afterwards; -1: refused
		changed bool
	}{
		{"has it already", []unix.PtpPinDesc{pin("SDP0", 0, 0), pin("SDP1", 0, 0), pin("SDP2", unix.PTP_PF_EXTTS, 1)}, 2, false},
		{"the pin of its number", []unix.PtpPinDesc{pin("SDP0", 0, 0), pin("SDP1", 0, 0)}, 1, true},
		{"another's channel stays", []unix.PtpPinDesc{pin("SDP0", 0, 0), pin("SDP1", unix.PTP_PF_EXTTS, 0)}, 0, true},
		{"none free", []unix.PtpPinDesc{pin("SDP0", perOut, 0), pin("SDP1", perOut, 1)}, -1, false},
	} {
		m := newMachine(exttsCalls...)
		m.caps.N_pins = int32(len(tc.pins))
		f := newExttsPipe(t, m)
		f.pins = tc.pins
		e, err := newEXTTS(fakePHC(t, m), 1, f)
		if tc.want < 0 {
			if err == nil || !strings.Contains(err.Error(), "SDP0, SDP1") || !strings.Contains(err.Error(), "/dev/ptp7") {
				t.Errorf("%s: %v", tc.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if p := f.pins[tc.want]; p.Func != unix.PTP_PF_EXTTS || p.Chan != 1 {
			t.Errorf("%s: pin %d is %d/%d", tc.name, tc.want, p.Func, p.Chan)
		}
		if changed := slices.Contains(f.calls, unix.PTP_PIN_SETFUNC2); changed != tc.changed {
			t.Errorf("%s: a pin was set: %v", tc.name, changed)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestEXTTSRefusesAChannelThatTheClockLacks(t *testing.T) {
	m := newMachine(unix.PTP_SYS_OFFSET)
	p := fakePHC(t, m)
	for channel, want := range map[int]string{2: `"extts:1"`, -1: `"extts:1"`, 0: "rising edges"} {
		if _, err := newEXTTS(p, channel, newExttsPipe(t, m)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("channel %d: %v, want a word of %s", channel, err, want)
		}
	}
	m.caps.N_ext_ts = 0
	if _, err := newEXTTS(fakePHC(t, m), 0, newExttsPipe(t, m)); err == nil || !strings.Contains(err.Error(), "/dev/pps0") {
		t.Errorf("a clock without channels: %v", err)
	}
}

func TestAnEXTTSReadEndsWithItsContextOrTheChannel(t *testing.T) {
	e, f := fakeEXTTS(t, exttsCalls...)
	for range 20 { // a cancel must not spoil the reads after it
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() {
			_, err := e.ReadEdge(ctx)
			ended <- err
		}()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatalf("a cancelled read: %v", err)
		}
	}
	f.event(t, 0, f.phcNow())
	if _, err := e.ReadEdge(soon(t)); err != nil {
		t.Fatalf("the read after a cancelled one: %v", err)
	}
	ended := make(chan error)
	go func() {
		_, err := e.ReadEdge(context.Background())
		ended <- err
	}()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("a read of a closed channel: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, err := e.ReadEdge(context.Background()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a read after Close: %v", err)
	}
}

func TestAnEXTTSDeviceThatIsGoneIsNamed(t *testing.T) {
	e, f := fakeEXTTS(t, exttsCalls...)
	f.gone = true
	_ = unix.Close(f.out) // hang-up
	f.out = -1
	if _, err := e.ReadEdge(soon(t)); !errors.Is(err, unix.ENODEV) || !strings.Contains(err.Error(), "/dev/ptp7") {
		t.Errorf("a device that is gone: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}
