package console

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bragi/cmd/internal/config"
)

// On a board the setup writes the address for the network, and asks for the serial port
// and the pulse; a static address is what clients ask.
func TestTheSetupOfABoardWritesItsAddress(t *testing.T) {
	for address, want := range map[string]struct{ network, configured string }{
		"dhcp\r":                    {"DHCP=ipv4", ""},
		"10.0.0.1/24\r10.0.0.254\r": {"Address=10.0.0.1/24\nGateway=10.0.0.254", "10.0.0.1"},
		"10.0.0.0/24\r10.0.0.255/24\r127.0.0.1\r10.0.0.1/24\r10.0.1.254\r10.0.0.1\r10.0.0.255\r10.0.0.254\r": {"Address=10.0.0.1/24\nGateway=10.0.0.254", "10.0.0.1"},
		"10.0.0\r10.0.0.1/30\rnone\r": {"Address=10.0.0.1/30\n", "10.0.0.1"},
	} {
		folder := t.TempDir()
		was := networkFolder
		networkFolder = filepath.Join(folder, "network")
		t.Cleanup(func() { networkFolder = was })
		fake(t, "networkctl", "")
		fake(t, "systemctl", "")
		file := filepath.Join(folder, "etc", "bragi.toml")
		p := sit(t, Config{Socket: filepath.Join(folder, "none"), File: file}, 80, 24)
		p.sees("Answer some questions now? [yes] ")
		p.types("\rimx8mp\reth7\ryes\r" + address)
		p.sees("% eth7 is not there now")
		p.sees("Serial port of the receiver [/dev/ttymxc2]: ")
		p.types("/dev/ttymxc77\r")
		p.sees("% /dev/ttymxc77 is not there now")
		p.sees("Take it all the same? [no] ")
		p.types("\r")
		p.sees("Serial port of the receiver [/dev/ttymxc2]: ")
		p.types("/dev/ttymxc2\ryes\r/dev/pps77\r\rauto\r51ns\r\r10.1.1.1\r\r\r")
		p.sees("% /dev/pps77 is not there now")
		p.sees(file + ":")
		p.sees("10-bragi.network")
		for line := range strings.Lines(want.network) {
			p.sees("+" + strings.TrimSpace(line))
		}
		p.sees("Write it? [yes] ")
		p.types("\r")
		p.sees("bragid was restarted")
		network, err := os.ReadFile(filepath.Join(networkFolder, "10-bragi.network"))
		if err != nil || !strings.Contains(string(network), "Name=eth7") || !strings.Contains(string(network), want.network) {
			t.Errorf("%q: %q, %v", address, network, err)
		}
		c, _, err := config.Load(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Board.Profile != "imx8mp" || c.Board.Interface != "eth7" || c.Master.Address != want.configured || c.GNSS.Device != "/dev/ttymxc2" ||
			c.GNSS.AntennaDelay != 51 || len(c.Syslog.Targets) != 1 || c.Syslog.Targets[0] != "udp://10.1.1.1" {
			t.Errorf("%q: %+v", address, c)
		}
	}
}

// An image brings its board's example: the first configuration is that text, with the
// answers, and without the address that an example must name.
func TestTheFirstConfigurationBeginsWithTheBoardsExample(t *testing.T) {
	folder := t.TempDir()
	was := exampleFile
	exampleFile = filepath.Join(folder, "example.toml")
	t.Cleanup(func() { exampleFile = was })
	text := "# A comment that stays.\n[board]\nprofile = \"sim\"\n\n[master]\naddress = \"10.0.0.1\"\ndscp = 46\n"
	if err := os.WriteFile(exampleFile, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	fake(t, "systemctl", "")
	file := filepath.Join(folder, "etc", "bragi.toml")
	p := sit(t, Config{Socket: filepath.Join(folder, "none"), File: file}, 80, 24)
	p.sees("Answer some questions now? [yes] ")
	p.types("\r")
	p.sees("Board [sim]: ")
	p.types("\r")
	p.sees("Address that clients ask [127.0.0.1]: ")
	p.types("\r\r\r24\r\r\r\r\r")
	p.sees("bragid was restarted")
	c, _, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	written, _ := os.ReadFile(file)
	if c.Master.Address != "127.0.0.1" || c.Master.Domain != 24 || c.Master.DSCP != 46 || !strings.HasPrefix(string(written), "# A comment that stays.\n") {
		t.Errorf("%s", written)
	}
}

// Who leaves the setup, or says no at its end, has changed nothing.
func TestASetupThatIsLeftChangesNothing(t *testing.T) {
	for _, keys := range []string{"n\r", "\rsim\r\x04", "\rsim\r\r\r\r\r\r\r\rno\r"} {
		folder := t.TempDir()
		file := filepath.Join(folder, "bragi.toml")
		p := sit(t, Config{Socket: filepath.Join(folder, "none"), File: file}, 80, 24)
		p.sees("Answer some questions now? [yes] ")
		p.types(keys)
		p.sees("bragi#")
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%q: there is a file", keys)
		}
		p.types("show clock\r")
		p.sees("Nothing is configured yet: `setup` asks what it needs, and starts it.")
		p.types("exit\r")
		p.ends() //nolint:errcheck // tested elsewhere
	}
}

// A disk that takes nothing leaves what was there, and says so in a line.
func TestASetupThatCannotBeWrittenIsTold(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "etc"), nil, 0o644); err != nil { // in the folder's place
		t.Fatal(err)
	}
	p := sit(t, Config{Socket: filepath.Join(folder, "none"), File: filepath.Join(folder, "etc", "bragi.toml")}, 80, 24)
	p.types("setup\r")
	p.sees("% ")
	p.sees("bragi#")
}
