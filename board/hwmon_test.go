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

func TestThermometer(t *testing.T) {
	class := hwmon(t, map[string]string{
		"hwmon0/name": "cpu_thermal\n", "hwmon0/temp1_input": "51234\n",
		"hwmon1/name": "tmp102\n", "hwmon1/temp1_input": "-1062\n", "hwmon1/temp1_max": "80000\n",
		"hwmon2/name": "ina219\n", "hwmon2/in1_input": "5012\n",
	})
	for name, want := range map[string]float64{"tmp102": -1.062, "cpu_thermal": 51.234, "": 51.234} {
		s, err := openThermometer(class, name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if c, err := s.ReadC(); err != nil || c != want {
			t.Errorf("%q: %v C, %v; want %v", name, c, err, want)
		}
	}
}

func TestThermometerErrors(t *testing.T) {
	for _, tc := range []struct {
		what  string
		files map[string]string
		name  string
		want  string
	}{
		{"none", nil, "", "load the driver"},
		{"another", map[string]string{"hwmon0/name": "lm75\n", "hwmon0/temp1_input": "1000\n"}, "tmp102", "there is lm75"},
		{"no number", map[string]string{"hwmon0/name": "lm75\n", "hwmon0/temp1_input": "warm\n"}, "", "can be read"},
		{"no name", map[string]string{"hwmon0/temp1_input": "1000\n"}, "", "load the driver"},
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
