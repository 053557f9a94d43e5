// Package state keeps what a daemon must know again after a restart: files that
// are there whole or not at all, and the judgement whether what they tell still
// holds.
package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// Kind is what a file holds, so that one is not taken for another.
type Kind struct {
	Name    string // at most 8 bytes
	Version uint32 // of the content; a reader refuses a later one and an earlier one
}

// Why a file is refused; errors.Is finds them.
var (
	ErrTorn    = errors.New("it is torn or damaged")
	ErrForeign = errors.New("it is no file of this kind")
	ErrNewer   = errors.New("a later version wrote it")
	ErrOlder   = errors.New("an earlier version wrote it")
)

// The header, big-endian: magic 8, kind 8, version 4, length 4, CRC-32C of all
// but itself 4. The content follows.
const (
	magic     = "bragi\x00\r\n" // a transfer as text would show
	kindSize  = 8
	headerLen = len(magic) + kindSize + 12
	// maxContent bounds what is read: 50,000 clients are below it.
	maxContent = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode puts content into a file's form.
func Encode(k Kind, content []byte) ([]byte, error) {
	if len(k.Name) == 0 || len(k.Name) > kindSize {
		return nil, fmt.Errorf("state: kind %q is not of 1..%d bytes", k.Name, kindSize)
	}
	if len(content) > maxContent {
		return nil, fmt.Errorf("state: %d bytes are more than a file may hold, %d", len(content), maxContent)
	}
	b := make([]byte, headerLen, headerLen+len(content))
	copy(b, magic)
	copy(b[len(magic):], k.Name)
	binary.BigEndian.PutUint32(b[16:], k.Version)
	binary.BigEndian.PutUint32(b[20:], uint32(len(content)))
	b = append(b, content...)
	binary.BigEndian.PutUint32(b[24:], checksum(b))
	return b, nil
}

func checksum(file []byte) uint32 {
	return crc32.Update(crc32.Checksum(file[:24], castagnoli), castagnoli, file[headerLen:])
}

// Decode takes a file's form apart; the error says why it is refused.
func Decode(k Kind, file []byte) ([]byte, error) {
	var name [kindSize]byte
	copy(name[:], k.Name)
	switch {
	case len(file) >= len(magic) && string(file[:len(magic)]) != magic:
		return nil, ErrForeign
	case len(file) < headerLen:
		return nil, ErrTorn
	case [kindSize]byte(file[len(magic):16]) != name:
		return nil, ErrForeign
	case int64(binary.BigEndian.Uint32(file[20:])) != int64(len(file)-headerLen), binary.BigEndian.Uint32(file[24:]) != checksum(file):
		return nil, ErrTorn
	}
	if v := binary.BigEndian.Uint32(file[16:]); v != k.Version {
		if v > k.Version {
			return nil, fmt.Errorf("%w (%d, this one knows %d)", ErrNewer, v, k.Version)
		}
		return nil, fmt.Errorf("%w (%d, this one needs %d)", ErrOlder, v, k.Version)
	}
	return file[headerLen:], nil
}

// WriteFile puts content at path at once: whoever reads it, and a machine that
// loses its power, finds the old file or the new one.
func WriteFile(path string, k Kind, content []byte) error {
	if err := write(path, k, content, onDisk); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// ReplaceFile is WriteFile for what nobody wants after a loss of power, such as
// the state of this boot: it does not wait for the disk.
func ReplaceFile(path string, k Kind, content []byte) error { return write(path, k, content, inMemory) }

// writtenTo is how far a file has come when write returns.
type writtenTo bool

const (
	inMemory writtenTo = false // the kernel's
	onDisk   writtenTo = true
)

func write(path string, k Kind, content []byte, until writtenTo) (err error) {
	b, err := Encode(k, content)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return fmt.Errorf("state: %w (fix: let control.run_dir be a folder that bragid may write)", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("state: %w", err)
		}
	}()
	if _, err = f.Write(b); err != nil {
		return err
	}
	if until == onDisk {
		if err = f.Sync(); err != nil {
			return err
		}
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// syncFolder makes the rename last.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// ReadFile returns the content of a file that WriteFile wrote. errors.Is finds
// fs.ErrNotExist, ErrTorn, ErrForeign, ErrNewer and ErrOlder.
func ReadFile(path string, k Kind) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxContent+int64(headerLen)+1))
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	content, err := Decode(k, b)
	if err != nil {
		return nil, fmt.Errorf("state: %s is refused: %w", path, err)
	}
	return content, nil
}
