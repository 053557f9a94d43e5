package gnss_test

import (
	"fmt"
	"testing"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// tenHertz is one second of a receiver at 10 Hz: RMC, GGA and a GSA and four GSV
// for each of four constellations, ten times.
func tenHertz() (burst []string, sentences int) {
	for tenth := range 10 {
		at := fmt.Sprintf("120000.%d0", tenth)
		b := rmc(at, "A", "010326") + gga(at, "1")
		sentences += 2
		for _, talker := range []string{"GP", "GL", "GA", "GB"} {
			b += sentence(talker + "GSA,A,3,02,05,06,07,09,11,13,16,20,30,,,1.60,0.92,1.31,1")
			for page := range 4 {
				b += sentence(fmt.Sprintf("%sGSV,4,%d,16,%02d,64,121,45,%02d,12,030,31,%02d,38,255,41,%02d,51,203,44,1",
					talker, page+1, 4*page+1, 4*page+2, 4*page+3, 4*page+4))
			}
			sentences += 5
		}
		burst = append(burst, b)
	}
	return burst, sentences
}

// A second of 10 Hz and four constellations: what it costs of a processor.
func BenchmarkTenHertz(b *testing.B) {
	bursts, sentences := tenHertz()
	d := gnss.NewDecoder(gnss.DecoderConfig{Floor: floor2000(b)})
	now := start
	bytes := 0
	b.ReportAllocs()
	for b.Loop() {
		bytes = 0
		for _, burst := range bursts {
			for rest := []byte(burst); len(rest) > 0; rest = rest[min(64, len(rest)):] {
				d.Feed(now, rest[:min(64, len(rest))], func(gnss.Epoch) {})
				now = now.Add(time.Millisecond)
			}
			bytes += len(burst)
		}
	}
	b.SetBytes(int64(bytes))
	perSecond := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
	b.ReportMetric(perSecond/float64(sentences), "ns/sentence")
	b.ReportMetric(perSecond/1e7, "%cpu/receiver")
}

// ubxBurst is what a timing receiver says in a second: PVT, TIMELS, TIM-TP and
// NAV-SAT with 32 satellites.
func ubxBurst() []byte {
	tp := make([]byte, 16)
	tp[14] = 3
	pvt := make([]byte, 92)
	copy(pvt[4:], []byte{0xEA, 0x07, 3, 1, 12, 0, 0, 7})
	pvt[20], pvt[21], pvt[23] = ubx.Fix3D, 1, 20
	ls := make([]byte, 24)
	ls[9], ls[23] = 18, 1
	sat := make([]byte, 8+12*32)
	sat[4], sat[5] = 1, 32
	for i := range 32 {
		copy(sat[8+12*i:], []byte{0, byte(i + 1), 40, 30, 100, 0, 0, 0, 8})
	}
	var b []byte
	for _, m := range []struct {
		name    ubx.Name
		payload []byte
	}{{ubx.TimTP, tp}, {ubx.NavPVT, pvt}, {ubx.NavTIMELS, ls}, {ubx.NavSAT, sat}} {
		b = ubx.AppendMessage(b, m.name, m.payload)
	}
	return b
}

func BenchmarkUBX(b *testing.B) {
	burst := ubxBurst()
	d := gnss.NewDecoder(gnss.DecoderConfig{Floor: floor2000(b)})
	now := start
	b.SetBytes(int64(len(burst)))
	b.ReportAllocs()
	for b.Loop() {
		d.Feed(now, burst, func(gnss.Epoch) {})
		now = now.Add(time.Second)
	}
}

// A second of UBX costs no memory once the satellites are known.
func TestASecondOfUBXAllocatesNothing(t *testing.T) {
	burst := ubxBurst()
	d := gnss.NewDecoder(gnss.DecoderConfig{Floor: floor2000(t), NextPulse: func(gnss.NextPulse) {}})
	now := timescale.MonoFromNs(1e9)
	emit := func(gnss.Epoch) {}
	feed := func() {
		d.Feed(now, burst, emit)
		now = now.Add(time.Second)
	}
	feed()
	// One for the closure around emit, one for why an epoch is not trusted.
	if n := testing.AllocsPerRun(100, feed); n > 2 {
		t.Errorf("%.0f allocations a second", n)
	}
}
