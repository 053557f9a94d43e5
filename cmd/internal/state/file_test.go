package state

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

var kind = Kind{"grants", 3}

func TestAFileComesBackAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, content := range [][]byte{{}, []byte("one"), bytes.Repeat([]byte{0xA5}, 1<<20), []byte("short again")} {
		for _, write := range []func(string, Kind, []byte) error{WriteFile, ReplaceFile} {
			if err := write(path, kind, content); err != nil {
				t.Fatal(err)
			}
			got, err := ReadFile(path, kind)
			if err != nil || !bytes.Equal(got, content) {
				t.Fatalf("%d bytes came back as %d: %v", len(content), len(got), err)
			}
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("%d files are left, want the one: %v", len(left), err)
	}
}

func TestFilesThatCannotBeAreRefused(t *testing.T) {
	whole, err := Encode(kind, []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	changed := func(at int, by byte) []byte {
		b := bytes.Clone(whole)
		b[at] ^= by
		return b
	}
	encoded := func(k Kind) []byte {
		b, err := Encode(k, []byte("content"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"empty":                       {nil, ErrTorn},
		"cut in the header":           {whole[:20], ErrTorn},
		"cut in the content":          {whole[:len(whole)-1], ErrTorn},
		"longer than it says":         {append(bytes.Clone(whole), 0), ErrTorn},
		"a bit of the content":        {changed(len(whole)-1, 1), ErrTorn},
		"a bit of the sum":            {changed(24, 0x80), ErrTorn},
		"a bit of the version":        {changed(19, 1), ErrTorn},
		"zeros, as after a power cut": {make([]byte, 4096), ErrForeign},
		"a text":                      {[]byte("[section]\nkey = 1\n# and a line that is long enough\n"), ErrForeign},
		"another kind":                {encoded(Kind{"clock", 3}), ErrForeign},
		"a later version":             {encoded(Kind{"grants", 4}), ErrNewer},
		"an earlier version":          {encoded(Kind{"grants", 2}), ErrOlder},
	} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFile(path, kind); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none"), kind); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestAWriteThatFailsLeavesTheOldFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "f")
	if err := WriteFile(path, kind, []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, Kind{"a name that is too long", 1}, []byte("new")); err == nil {
		t.Error("a kind of more than 8 bytes was written")
	}
	if err := WriteFile(filepath.Join(folder, "none", "f"), kind, nil); err == nil {
		t.Error("a file was written into a folder that is not there")
	}
	if got, err := ReadFile(path, kind); err != nil || string(got) != "old" {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	whole, err := Encode(kind, []byte("content"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Fuzz(func(t *testing.T, file []byte) {
		content, err := Decode(kind, file)
		if err != nil {
			return
		}
		again, err := Encode(kind, content)
		if err != nil || !bytes.Equal(again, file) {
			t.Errorf("%x was accepted and is written as %x (%v)", file, again, err)
		}
	})
}
