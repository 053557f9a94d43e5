package board

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Thermometer is a temperature input of the kernel's hwmon class.
type Thermometer struct {
	Name string // the chip: "tmp102", "lm75", "cpu_thermal"
	path string // .../tempN_input, in thousandths of a degree
}

const hwmonClass = "/sys/class/hwmon"

// OpenThermometer finds a thermometer. name is its chip; empty takes the first
// that can be read. The nearer it sits to the oscillator the better.
func OpenThermometer(name string) (*Thermometer, error) { return openThermometer(hwmonClass, name) }

func openThermometer(class, name string) (*Thermometer, error) {
	inputs, err := filepath.Glob(filepath.Join(class, "hwmon*", "temp*_input"))
	if err != nil {
		return nil, fmt.Errorf("board: %w", err)
	}
	var seen []string
	for _, path := range inputs {
		chip, err := os.ReadFile(filepath.Join(filepath.Dir(path), "name"))
		if err != nil {
			continue // unplugged since
		}
		t := &Thermometer{Name: strings.TrimSpace(string(chip)), path: path}
		seen = append(seen, t.Name)
		if name != "" && t.Name != name {
			continue
		}
		if _, err := t.ReadC(); err == nil {
			return t, nil
		}
	}
	switch {
	case len(seen) == 0:
		return nil, fmt.Errorf("board: no thermometer in %s: load the driver of one (lm75, tmp102); holdover is better with it", class)
	case name == "":
		return nil, fmt.Errorf("board: no thermometer of %s can be read", strings.Join(seen, ", "))
	}
	return nil, fmt.Errorf("board: no thermometer %q that can be read: there is %s", name, strings.Join(seen, ", "))
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
