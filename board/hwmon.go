package board

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Thermometer is a temperature input of the kernel's hwmon class.
type Thermometer struct {
	Name string // the chip: "tmp102", "lm75", "cpu_thermal"
	path string // .../tempN_input, in thousandths of a degree
}

// String is the chip and where it is.
func (t *Thermometer) String() string { return t.Name + " (" + t.path + ")" }

const hwmonClass = "/sys/class/hwmon"

// boardChips are sensors that sit on a board by themselves and feel the air around
// the oscillator. A processor's die, a PHY, a network card, a power supply or a disk
// is warm by its own work: a frequency that follows such a one is worse than none.
var boardChips = strings.Fields(`lm70 lm71 lm73 lm74 lm75 lm75a lm75b tmp75 tmp75b tmp75c tmp100 tmp101 tmp102 tmp103 tmp105 tmp108 tmp112 tmp121 tmp122
		tmp123 tmp124 tmp125 tmp175 tmp275 tmp1075 ds75 ds620 ds1621 ds1625 ds1631 ds1721 ds1775 ds7505 ds3231 max6625 max6626 max31725
		mcp980x tcn75 stds75 stlm75 stts751 g751 adt75 adt7310 adt7320 adt7410 adt7420 adt7422 at30ts74 as6200 pct2075 sht20 sht21 sht25
		sht3x sht4x shtc1 shtw1 shtc3 hs3001 w1_slave_temp`)

// AnyThermometer asks OpenThermometer for one that is likely to feel what the
// oscillator feels.
const AnyThermometer = "auto"

// OpenThermometer finds a thermometer: want is AnyThermometer, the name of a chip, or
// the path of its tempN_input, which may have * for the numbers that a boot gives.
func OpenThermometer(want string) (*Thermometer, error) { return openThermometer(hwmonClass, want) }

func openThermometer(class, want string) (*Thermometer, error) {
	pattern := filepath.Join(class, "hwmon*", "temp*_input")
	if filepath.IsAbs(want) {
		pattern = want
	}
	inputs, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("board: thermometer %s: %w", want, err)
	}
	var seen []string
	for _, path := range inputs {
		chip, err := os.ReadFile(filepath.Join(filepath.Dir(path), "name"))
		if err != nil {
			continue // unplugged since, or a path that is no thermometer's
		}
		t := &Thermometer{Name: strings.TrimSpace(string(chip)), path: path}
		if !slices.Contains(seen, t.Name) {
			seen = append(seen, t.Name)
		}
		if !filepath.IsAbs(want) && t.Name != want && !(want == AnyThermometer && slices.Contains(boardChips, t.Name)) {
			continue
		}
		if _, err := t.ReadC(); err == nil {
			return t, nil
		}
	}
	there := "there is none"
	if len(seen) > 0 {
		there = "there is " + strings.Join(seen, ", ")
	}
	if want == AnyThermometer {
		return nil, fmt.Errorf("board: no thermometer that feels the board: %s", there)
	}
	return nil, fmt.Errorf("board: no thermometer %q that can be read: %s", want, there)
}

// ReadC reads it, in degrees Celsius.
func (t *Thermometer) ReadC() (float64, error) {
	text, err := os.ReadFile(t.path)
	if err != nil {
		return 0, fmt.Errorf("board: thermometer %s: %w", t.Name, err)
	}
	milli, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("board: thermometer %s says %.20q, no number: %w", t.Name, text, err)
	}
	return float64(milli) / 1000, nil
}
