package show

import (
	"strings"
	"testing"

	"bragi/cmd/internal/status"
)

// What is known of the pulse, the line, other sources of time and the thermometer is
// said, and so is what is not known.
func TestScreensSayWhatIsKnownOfThePulseAndWhatIsNot(t *testing.T) {
	s := sample()
	s.GNSS.PPSNs, s.GNSS.PPSBoundNs, s.GNSS.Edge, s.GNSS.LineFill = 7000, 2000, "its edge is verified, 100ms long", value(0.93)
	s.GNSS.Opinions = []status.Opinion{{Source: "the system clock", OffsetS: -1.002, UncertaintyS: 0.02, Standing: "differs"}}
	s.Hardware.Pulse = "/dev/pps0"
	s.Holdover.TemperatureC, s.Holdover.Thermometer = nil, "none: no thermometer that feels the board: there is coretemp"
	for want, screen := range map[string]string{
		"pulse stamped 7000 ns late +-2.00 us":                                                  GNSS(s, 0),
		"; its edge is verified, 100ms long":                                                    GNSS(s, 0),
		"the line is 93 % full":                                                                 GNSS(s, 0),
		"the system clock differs: -1.002 s, +-0.020 s":                                         GNSS(s, 0),
		"the pulse by /dev/pps0, stamped 7000 ns late +-2.00 us":                                Hardware(s),
		"there is coretemp; the oscillator's error by temperature is not corrected in holdover": Holdover(s),
	} {
		if !strings.Contains(screen, want) {
			t.Errorf("no %q in\n%s", want, screen)
		}
	}
	s.GNSS.Opinions, s.GNSS.Edge = nil, "the pulse's edge is not verified"
	s.Holdover.TemperatureC, s.Holdover.Thermometer = value(21), "tmp102 (/sys/class/hwmon/hwmon2/temp1_input)"
	for want, screen := range map[string]string{
		"none: nothing would tell messages that come whole seconds late or early": GNSS(s, 0),
		"; the pulse's edge is not verified":                                      GNSS(s, 0),
		"21.00 C, by tmp102":                                                      Holdover(s),
	} {
		if !strings.Contains(screen, want) {
			t.Errorf("no %q in\n%s", want, screen)
		}
	}
}
