package e2e

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"bragi/cmd/internal/status"
)

// The whole way of the data: a receiver on a pty and a pulse go in, and a
// client that others wrote is in phase; the antenna is cut and restored, and
// class and time do what the table of states says.
func TestClientFollowsThroughAnAntennaCut(t *testing.T) {
	t.Parallel()
	followThroughAnAntennaCut(t)
}

// The same with a receiver that sends UBX alone.
func TestClientFollowsAUBXReceiver(t *testing.T) {
	t.Parallel()
	d := followThroughAnAntennaCut(t, "sim.receiver=timing-ubx", "gnss.configure=false")
	if s := d.status().GNSS; s.Fix != "3d" || s.Receiver.Setup != "left as it is" {
		t.Errorf("show gnss says %+v", s)
	}
}

// A u-blox that comes from the factory, at 9600 or 38,400 baud, is found, set up
// and leads to class 6 within 30 s of the start; its survey ends in a fixed
// position that the next start finds.
func TestFactoryReceiverLeadsToClass6(t *testing.T) {
	t.Parallel()
	need(t, "ip")
	for _, kind := range []string{"m8t", "f9t"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := newHosts(t)
			d := b.startDaemon("sim.receiver="+kind, "sim.survey_speed=60")
			eventually(t, 30*time.Second, "clockClass 6 within 30 s of the start", func() bool { return d.status().Clock.ClockClass == 6 && d.status().Clock.Serving })
			eventually(t, 60*time.Second, "a fixed position", func() bool {
				p := d.status().GNSS.Receiver.Position
				return p != nil && p.State == "fixed position"
			})
			s := d.status()
			if s.GNSS.Fix != "time" || s.Clock.ClockClass != 6 || len(s.GNSS.Receiver.Steps) == 0 {
				t.Errorf("class %d, show gnss says %+v", s.Clock.ClockClass, s.GNSS)
			}
			for _, step := range s.GNSS.Receiver.Steps {
				if step.Failed {
					t.Errorf("%s: %s", step.Name, step.Outcome)
				}
			}
			if e := d.sim().TrueErrorNs; math.Abs(e) > 1000 {
				t.Errorf("true error %+.0f ns at class 6, want within 1 us", e)
			}
		})
	}
}

func followThroughAnAntennaCut(t *testing.T, settings ...string) *daemon {
	t.Helper()
	need(t, "ip", "ptp4l", "pmc", "tshark", "gcc")
	b := newHosts(t)
	d := b.startDaemon(append(settings, "holdover.max_holdover=12s")...)
	eventually(t, 30*time.Second, "clockClass 6 within 30 s of the start", func() bool { return d.status().Clock.ClockClass == 6 && d.status().Clock.Serving })
	truth := d.watchTruth()

	capture := b.startCapture()
	client := b.startPTP4L(serviceAddress)
	eventually(t, time.Minute, "ptp4l in SLAVE", client.slave)
	assertGrants(t, d.status(), -5, -3, -5)
	assertGrandmaster(t, client, "6")
	client.assertPhase(t, "locked")

	b.bragi("sim", "antenna", "cut")
	eventually(t, 20*time.Second, "class 7 at the client", func() bool { return client.get("PARENT_DATA_SET", "gm.ClockClass") == "7" })
	assertHoldover(t, d.status())
	eventually(t, 40*time.Second, "class 52 at the client", func() bool { return client.get("PARENT_DATA_SET", "gm.ClockClass") == "52" })
	assertClient(t, client, map[string]string{"timeTraceable": "0", "frequencyTraceable": "0", "ptpTimescale": "1", "currentUtcOffsetValid": "1"})

	b.bragi("sim", "antenna", "restore")
	eventually(t, 60*time.Second, "class 6 at the client", func() bool { return client.get("PARENT_DATA_SET", "gm.ClockClass") == "6" })
	b.bragi("sim", "pps", "glitch", "--by", "1us")
	client.assertPhase(t, "after the antenna walk and a glitch of 1 us")
	if !client.slave() {
		t.Error("ptp4l is not in SLAVE at the end")
	}

	if w := truth.finish(); w.samples < 30 || w.worstNs > 1000 {
		t.Errorf("the true error changed by %.0f ns between two seconds (%d samples), want at most 1 us", w.worstNs, w.samples)
	} else {
		t.Logf("true error: %d samples, first %+.0f ns, last %+.0f ns, largest change between two seconds %.0f ns", w.samples, w.first, w.last, w.worstNs)
	}
	capture.stop()
	assertPackets(t, capture)
	return d
}

// A grandmaster that never had an antenna and has no state says 58, an
// arbitrary time scale, and claims nothing.
func TestNeverLockedAnnouncesFreeRun(t *testing.T) {
	t.Parallel()
	need(t, "ip", "ptp4l", "pmc", "tshark", "gcc")
	b := newHosts(t)
	d := b.startDaemon("sim.antenna=cut")
	eventually(t, 20*time.Second, "serving", func() bool { return d.status().Clock.Serving })
	client := b.startPTP4L(serviceAddress)
	eventually(t, 20*time.Second, "class 58 at the client", func() bool { return client.get("PARENT_DATA_SET", "gm.ClockClass") == "58" })
	assertClient(t, client, map[string]string{"timeTraceable": "0", "frequencyTraceable": "0", "ptpTimescale": "0", "currentUtcOffsetValid": "0", "timeSource": "0xa0"})
	if got := client.get("PARENT_DATA_SET", "gm.ClockAccuracy"); got != "0xfe" {
		t.Errorf("gm.ClockAccuracy %s, want 0xfe", got)
	}
	c := d.status().Clock
	if c.State != "FREERUN" || c.ClockClass != 58 || c.ClockAccuracy != "0xfe" || c.PTPTimescale || c.TimeTraceable || c.FrequencyTraceable || c.UTCOffsetValid || c.TimeSource != "0xa0" {
		t.Errorf("show clock says %+v", c)
	}
}

// A real receiver's bytes, recorded, lead to class 6: at their own pace, their
// times shifted to now, with the pulses of the board of software.
func TestRecordedReceiversLeadToClass6(t *testing.T) {
	t.Parallel()
	need(t, "ip")
	data := os.Getenv("BRAGI_DATA")
	if data == "" {
		data = filepath.Join(root, "../shared/data")
	}
	for _, name := range []string{"ublox-8.log", "mt3339.log"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := filepath.Abs(filepath.Join(data, "receiver", name))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(file); err != nil {
				t.Skipf("SKIPPED: no recorded receiver here: %v (fix: set BRAGI_DATA)", err)
			}
			b := newHosts(t)
			d := b.startDaemon("sim.capture=" + file)
			eventually(t, 90*time.Second, "clockClass 6", func() bool { return d.status().Clock.ClockClass == 6 })
			time.Sleep(3 * time.Second)
			s := d.status()
			if e := d.sim().TrueErrorNs; math.Abs(e) > 1000 {
				t.Errorf("true error %+.0f ns at class 6, want within 1 us", e)
			}
			t.Logf("class %d, fix %s, %s UTC, true error %+.0f ns, bound %s, %d frames, %d bad checksums", s.Clock.ClockClass, s.GNSS.Fix, s.GNSS.UTC,
				d.sim().TrueErrorNs, optional(s.Clock.BoundNs), s.GNSS.Frames, s.GNSS.BadChecksum)
		})
	}
}

func optional(v *float64) string {
	if v == nil {
		return "unknown"
	}
	return strconv.FormatFloat(*v, 'f', 0, 64) + " ns"
}

func assertGrants(t *testing.T, s status.Status, sync, announce, delayResp int) {
	t.Helper()
	if len(s.Clients) != 1 {
		t.Fatalf("%d clients, want 1: %+v", len(s.Clients), s.Clients)
	}
	g := s.Clients[0].Grants
	if g.Sync == nil || g.Announce == nil || g.DelayResp == nil {
		t.Fatalf("grants %+v, want all three", g)
	}
	if g.Sync.Interval != sync || g.Announce.Interval != announce || g.DelayResp.Interval != delayResp {
		t.Errorf("granted intervals sync %d announce %d delay_resp %d, want %d %d %d", g.Sync.Interval, g.Announce.Interval, g.DelayResp.Interval, sync, announce, delayResp)
	}
}

func assertGrandmaster(t *testing.T, client *ptp4l, class string) {
	t.Helper()
	if got := client.get("PARENT_DATA_SET", "gm.ClockClass"); got != class {
		t.Errorf("gm.ClockClass %q at the client, want %s", got, class)
	}
	assertClient(t, client, map[string]string{"timeTraceable": "1", "frequencyTraceable": "1", "ptpTimescale": "1", "currentUtcOffsetValid": "1",
		"currentUtcOffset": "37", "timeSource": "0x20"})
}

// assertClient asserts fields of the client's TIME_PROPERTIES_DATA_SET.
func assertClient(t *testing.T, client *ptp4l, want map[string]string) {
	t.Helper()
	for field, value := range want {
		if got := client.get("TIME_PROPERTIES_DATA_SET", field); got != value {
			t.Errorf("%s is %q at the client, want %s", field, got, value)
		}
	}
}

func assertHoldover(t *testing.T, s status.Status) {
	t.Helper()
	if s.Clock.State != "HOLDOVER" || s.Clock.ClockClass != 7 || !s.Clock.TimeTraceable || s.Clock.TimeSource != "0xa0" {
		t.Errorf("in holdover show clock says %+v", s.Clock)
	}
	if len(s.Alarms) == 0 {
		t.Error("no alarm while the antenna is cut")
	}
}

// assertPackets reads the whole run as an independent program decodes it.
func assertPackets(t *testing.T, c *capture) {
	t.Helper()
	if bad := c.fields("ptp && (_ws.malformed || _ws.expert.severity == error)", "frame.number", "_ws.col.Info"); len(bad) > 0 {
		t.Errorf("%d malformed packets, first %v", len(bad), bad[0])
	}
	syncs := c.fields("ptp.v2.messagetype == 0 && ip.src == "+serviceAddress, "frame.time_epoch", "udp.srcport", "udp.dstport", "ptp.v2.flags", "ip.dsfield.dscp", "ptp.v2.sequenceid")
	if len(syncs) < 320 {
		t.Fatalf("%d Sync packets captured, want some thousands", len(syncs))
	}
	first, _ := strconv.ParseFloat(syncs[0][0], 64)
	last, _ := strconv.ParseFloat(syncs[len(syncs)-1][0], 64)
	if rate := float64(len(syncs)-1) / (last - first); math.Abs(rate-32) > 0.32 {
		t.Errorf("%.2f Sync a second, want 32", rate)
	} else {
		t.Logf("%d Sync packets, %.3f a second, over %.0f s", len(syncs), rate, last-first)
	}
	gap, at := 0.0, 0.0
	for i := 1; i < len(syncs); i++ {
		before, _ := strconv.ParseFloat(syncs[i-1][0], 64)
		now, _ := strconv.ParseFloat(syncs[i][0], 64)
		if now-before > gap {
			gap, at = now-before, now-first
		}
	}
	t.Logf("the longest gap between two Syncs was %.0f ms, %.1f s after the first", 1000*gap, at)
	for i, s := range syncs {
		if s[1] != "319" || s[2] != "319" {
			t.Fatalf("Sync %d from port %s to port %s, want 319 to 319", i, s[1], s[2])
		}
		if flags, err := strconv.ParseUint(strings.TrimPrefix(s[3], "0x"), 16, 16); err != nil || flags&0x0200 != 0 || flags&0x0400 == 0 {
			t.Fatalf("Sync %d has flags %s, want twoStep clear and unicast set", i, s[3])
		}
		if s[4] != "47" {
			t.Fatalf("Sync %d has DSCP %s, want 47", i, s[4])
		}
		if i > 0 {
			before, _ := strconv.Atoi(syncs[i-1][5])
			now, _ := strconv.Atoi(s[5])
			if uint16(now) != uint16(before+1) {
				t.Fatalf("Sync %d has sequenceId %d after %d", i, now, before)
			}
		}
	}
	if others := c.fields("ptp.v2.messagetype > 3 && udp.dstport != 320", "frame.number"); len(others) > 0 {
		t.Errorf("%d general messages not to port 320", len(others))
	}
	if follow := c.fields("ptp.v2.messagetype == 8", "frame.number"); len(follow) > 0 {
		t.Errorf("%d Follow_Up packets from a one-step master", len(follow))
	}
}
