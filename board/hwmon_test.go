package board

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func hwmon(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The chip is chosen by name or by path; "auto" is never the processor's die, a PHY or
// a network card.
func TestThermometerIsChosenByName(t *testing.T) {
	class := hwmon(t, map[string]string{
		"hwmon0/name": "cpu_thermal\n", "hwmon0/temp1_input": "51234\n",
		"hwmon1/name": "4a101000_mdio_00\n", "hwmon1/temp1_input": "44000\n",
		"hwmon2/name": "tmp102\n", "hwmon2/temp1_input": "-1062\n", "hwmon2/temp1_max": "80000\n",
		"hwmon3/name": "ina219\n", "hwmon3/in1_input": "5012\n",
		"hwmon4/name": "tmp421\n", "hwmon4/temp1_input": "30000\n", "hwmon4/temp2_input": "61500\n",
	})
	for want, c := range map[string]float64{
		AnyThermometer: -1.062, "tmp102": -1.062, "cpu_thermal": 51.234,
		class + "/hwmon4/temp2_input": 61.5, class + "/hwmon*/temp2_input": 61.5,
	} {
		s, err := openThermometer(class, want)
		if err != nil {
			t.Errorf("%q: %v", want, err)
			continue
		}
		if got, err := s.ReadC(); err != nil || got != c {
			t.Errorf("%q: %v C, %v; want %v", want, got, err, c)
		}
	}
}

func TestThermometerThatIsNotThereIsToldWithThoseThatAre(t *testing.T) {
	for _, tc := range []struct {
		what  string
		files map[string]string
		name  string
		want  string
	}{
		{"none", nil, AnyThermometer, "there is none"},
		{"only those that are warm by their own work", map[string]string{
			"hwmon0/name": "coretemp\n", "hwmon0/temp1_input": "51000\n", "hwmon0/temp2_input": "52000\n",
			"hwmon1/name": "nvme\n", "hwmon1/temp1_input": "1000\n", "hwmon2/name": "igb\n", "hwmon2/temp1_input": "60000\n",
		}, AnyThermometer, "no thermometer that feels the board: there is coretemp, nvme, igb"},
		{"another", map[string]string{"hwmon0/name": "lm75\n", "hwmon0/temp1_input": "1000\n"}, "tmp102", "there is lm75"},
		{"no number", map[string]string{"hwmon0/name": "lm75\n", "hwmon0/temp1_input": "warm\n"}, AnyThermometer, "there is lm75"},
		{"no name", map[string]string{"hwmon0/temp1_input": "1000\n"}, AnyThermometer, "there is none"},
		{"no such path", nil, "/nowhere/temp1_input", "/nowhere/temp1_input"},
	} {
		if _, err := openThermometer(hwmon(t, tc.files), tc.name); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want a word of %q", tc.what, err, tc.want)
		}
	}
	class := hwmon(t, map[string]string{"hwmon0/name": "lm75\n", "hwmon0/temp1_input": "1000\n"})
	s, err := openThermometer(class, "lm75")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(class); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadC(); err == nil || !strings.Contains(err.Error(), "lm75") {
		t.Errorf("an unplugged thermometer: %v", err)
	}
}
