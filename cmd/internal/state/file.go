// Package state keeps what a daemon must know again after a restart: files that
// are there whole or not at all, and the judgement whether what they tell still
// holds.
package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"bragi/cmd/internal/file"
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

func checksum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:24], castagnoli), castagnoli, b[headerLen:])
}

// Decode takes a file's form apart; the error says why it is refused.
func Decode(k Kind, b []byte) ([]byte, error) {
	var name [kindSize]byte
	copy(name[:], k.Name)
	switch {
	case len(b) >= len(magic) && string(b[:len(magic)]) != magic:
		return nil, ErrForeign
	case len(b) < headerLen:
		return nil, ErrTorn
	case [kindSize]byte(b[len(magic):16]) != name:
		return nil, ErrForeign
	case int64(binary.BigEndian.Uint32(b[20:])) != int64(len(b)-headerLen), binary.BigEndian.Uint32(b[24:]) != checksum(b):
		return nil, ErrTorn
	}
	if v := binary.BigEndian.Uint32(b[16:]); v != k.Version {
		if v > k.Version {
			return nil, fmt.Errorf("%w (%d, this one knows %d)", ErrNewer, v, k.Version)
		}
		return nil, fmt.Errorf("%w (%d, this one needs %d)", ErrOlder, v, k.Version)
	}
	return b[headerLen:], nil
}

// WriteFile puts content at path at once: whoever reads it, and a machine that
// loses its power, finds the old file or the new one.
func WriteFile(path string, k Kind, content []byte) error {
	return write(path, k, content, file.OnDisk)
}

// ReplaceFile is WriteFile for what nobody wants after a loss of power, such as
// the state of this boot: it does not wait for the disk.
func ReplaceFile(path string, k Kind, content []byte) error {
	return write(path, k, content, file.InMemory)
}

func write(path string, k Kind, content []byte, until file.Until) error {
	b, err := Encode(k, content)
	if err != nil {
		return err
	}
	if err := file.Replace(path, b, 0o600, until); err != nil {
		return fmt.Errorf("state: %w (fix: let the folder be one that bragid may write, with room on its disk)", err)
	}
	return nil
}

// ReadFile returns the content of a file that WriteFile wrote. errors.Is finds
// fs.ErrNotExist, file.ErrNotRegular, file.ErrTooLarge, ErrTorn, ErrForeign,
// ErrNewer and ErrOlder.
func ReadFile(path string, k Kind) ([]byte, error) {
	b, err := file.Read(path, maxContent+int64(headerLen))
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	content, err := Decode(k, b)
	if err != nil {
		return nil, fmt.Errorf("state: %s is refused: %w", path, err)
	}
	return content, nil
}
