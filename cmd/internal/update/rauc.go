package update

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// rauc runs RAUC and returns what it printed; what it said of an error becomes the error.
func rauc(ctx context.Context, args ...string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, "rauc", args...).Output()
	if err != nil {
		return nil, failure(err, args[0])
	}
	return out, nil
}

// failure is the last thing that RAUC said, which is its reason.
func failure(err error, verb string) error {
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("rauc is not here: this is not an image of bragi (fix: update the programs by hand)")
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n"); lines[len(lines)-1] != "" {
			return fmt.Errorf("rauc %s: %s", verb, lines[len(lines)-1])
		}
	}
	return fmt.Errorf("rauc %s: %w", verb, err)
}

// inspect checks a bundle's signature and returns what it is.
func inspect(ctx context.Context, file string) (Bundle, error) {
	out, err := rauc(ctx, "info", "--output-format=json", file)
	if err != nil {
		return Bundle{}, fmt.Errorf("%w (fix: copy the bundle again, whole; it must be signed for the authority that this board trusts)", err)
	}
	return parseInfo(out)
}

func parseInfo(text []byte) (b Bundle, err error) {
	var info struct {
		Compatible string `json:"compatible"`
		Version    string `json:"version"`
		Images     []map[string]struct {
			Size int64 `json:"size"`
		} `json:"images"`
	}
	if err := json.Unmarshal(text, &info); err != nil {
		return b, fmt.Errorf("rauc info: %w", err)
	}
	b = Bundle{Compatible: info.Compatible, Version: info.Version}
	for _, image := range info.Images {
		b.Size += image["rootfs"].Size
	}
	if b.Size == 0 {
		return b, errors.New("the bundle has no root file system (fix: build it with make image)")
	}
	return b, nil
}

// Slot is one of the two places for a version.
type Slot struct {
	Name    string `json:"name"` // A or B
	Running bool   `json:"running"`
	Next    bool   `json:"next"` // the next start takes it
	Good    bool   `json:"good"` // it was kept, or has tries left
	Version string `json:"version"`
}

// slots are the two slots as RAUC knows them.
func slots(ctx context.Context) ([]Slot, error) {
	out, err := rauc(ctx, "status", "--detailed", "--output-format=json")
	if err != nil {
		return nil, err
	}
	return parseStatus(out)
}

func parseStatus(text []byte) ([]Slot, error) {
	var status struct {
		Booted  string `json:"booted"`
		Primary string `json:"boot_primary"`
		Slots   []map[string]struct {
			Bootname string `json:"bootname"`
			State    string `json:"state"`
			Boot     string `json:"boot_status"`
			Status   struct {
				Bundle struct {
					Version string `json:"version"`
				} `json:"bundle"`
			} `json:"slot_status"`
		} `json:"slots"`
	}
	if err := json.Unmarshal(text, &status); err != nil {
		return nil, fmt.Errorf("rauc status: %w", err)
	}
	var list []Slot
	for _, named := range status.Slots {
		for name, s := range named {
			list = append(list, Slot{Name: s.Bootname, Running: s.State == "booted", Next: name == status.Primary,
				Good: s.Boot == "good", Version: s.Status.Bundle.Version})
		}
	}
	return list, nil
}

// install writes a bundle and tells how far it is.
func install(ctx context.Context, file string, out io.Writer) error {
	c := exec.CommandContext(ctx, "rauc", "install", file)
	said, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	var wrong strings.Builder
	c.Stderr = &wrong
	if err := c.Start(); err != nil {
		return failure(err, "install")
	}
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if percent, what, ok := strings.Cut(strings.TrimSpace(lines.Text()), "%"); ok {
			fmt.Fprintf(out, "%3s %%%s\n", strings.TrimSpace(percent), what)
		}
	}
	if err := c.Wait(); err != nil {
		lines := strings.Split(strings.TrimSpace(wrong.String()), "\n")
		return fmt.Errorf("rauc install: %s (what runs is as it was; fix: install it again)", lines[len(lines)-1])
	}
	return nil
}
