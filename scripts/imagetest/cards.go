package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// cards starts the machine with a data partition as a bad card may have it.
func cards(t *bench) error {
	if err := t.up(); err != nil {
		return err
	}
	if _, err := t.probe(10*time.Minute, "cat /dev/zero >/data/filler 2>/dev/null || true; sync"); err != nil {
		return err
	}
	t.cut()
	if err := t.startSaying("the data partition is full"); err != nil {
		return err
	}
	if err := t.served(); err != nil {
		return err
	}
	if _, err := t.probe(3*time.Minute, "rm /data/filler; sync"); err != nil {
		return err
	}
	t.cut()
	before, err := t.read("/config/bragi.toml")
	if err != nil {
		return err
	}
	if err := t.spoil(1024, 2048); err != nil {
		return err
	}
	if err := t.startSaying("the data partition is damaged: it is repaired"); err != nil {
		return err
	}
	if err := t.served(); err != nil {
		return err
	}
	t.cut()
	after, err := t.read("/config/bragi.toml")
	if err != nil {
		return err
	}
	if before != after {
		return errors.New("the configuration has changed")
	}
	if err := t.spoil(0, 12<<20); err != nil {
		return err
	}
	if err := t.startSaying("it is made anew, and its configuration and state are lost"); err != nil {
		return err
	}
	t.authorized = false
	if err := t.setup(); err != nil {
		return err
	}
	return t.served()
}

// startSaying switches the machine on, and looks that it complains of its card, and serves all the same.
func (t *bench) startSaying(what string) error {
	if err := t.on(); err != nil {
		return err
	}
	if _, _, err := t.expect("bragi: .*"+what, `does not load`, 0, startLimit); err != nil {
		return err
	}
	t.figure("the serial line said: %s", what)
	_, _, err := t.expect(kept, `Kernel panic|does not serve: version`, 0, startLimit)
	return err
}

// smallCard flashes a card that is not larger than the image: the data partition cannot grow.
func smallCard(t *bench) error {
	t.cut()
	t.room = dataOffset + 8<<20 // as the partition table of the image says
	defer func() { t.cut(); t.room = 0 }()
	if err := t.fresh(); err != nil {
		return err
	}
	if err := t.start("A"); err != nil {
		return err
	}
	if err := t.setup(); err != nil {
		return err
	}
	if err := t.served(); err != nil {
		return err
	}
	out, err := t.probe(3*time.Minute, `df -k /data | awk 'END {print $2 " kB of data partition, " $3 " in use, " $4 " free"}'`)
	if err != nil {
		return err
	}
	t.figure("a card of %d octets: %s", t.room, strings.TrimSpace(out))
	t.cut()
	if err := t.start("A"); err != nil {
		return fmt.Errorf("the second start: %w", err)
	}
	return t.served()
}

// tooSmallCard starts from a card that ends within slot B: it was written in spite of that.
func tooSmallCard(t *bench) error {
	t.cut()
	t.room = 256 << 20
	defer func() { t.cut(); t.room = 0 }()
	if err := t.fresh(); err != nil {
		return err
	}
	if err := t.startSaying("the medium is too small for its data partition"); err != nil {
		return err
	}
	if err := t.setup(); err != nil {
		return err
	}
	return t.served()
}

// wornCard starts from a card whose data partition can be written, and cannot be read where it says what it is.
func wornCard(t *bench) error {
	t.cut()
	t.bad = []int64{dataOffset + 1024}
	defer func() { t.cut(); t.bad = nil }()
	if err := t.startSaying("the data partition cannot be used: configuration and state are kept in memory"); err != nil {
		return err
	}
	if err := t.setup(); err != nil {
		return err
	}
	return t.served()
}
