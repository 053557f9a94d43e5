package terminal

import (
	"bytes"
	"cmp"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The keys that have a meaning of their own.
const (
	Interrupt = 0x03 // Ctrl-C
	EndOfFile = 0x04 // Ctrl-D
	Tab       = '\t'
	Enter     = '\r'
	Suspend   = 0x1a // Ctrl-Z
	// Refused stands where a letter was typed that the terminal's character set does
	// not tell. Nobody can type it: the bell is no key.
	Refused = 0x07
)

// escapeWait is how long the rest of a key's sequence may take to come. A byte
// takes 1 ms at 9600 baud.
const escapeWait = 300 * time.Millisecond

// Keys turns what a terminal sends into keys, whatever is pasted: printable ASCII,
// other letters where the terminal speaks UTF-8, the control keys of a line editor, and
// the arrows, Home, End and Delete as x/term knows them. Other letters elsewhere, and
// what is no letter of UTF-8, are Refused. All else is dropped: other control
// characters, other sequences, the titles and answers of terminals. The zero value is
// ready.
type Keys struct {
	UTF8     bool   // the terminal speaks it
	letter   []byte // begun, not complete
	sequence []byte // begun, not complete
	at       time.Time
	cr       bool // the last byte was a carriage return: its line feed is no second Enter
	report   Size // the latest size that the terminal told
}

// editing are the control keys of a line editor.
const editing = "\x01\x02\x03\x04\x05\x06\x08\x09\x0b\x0c\x0e\x10\x14\x15\x17\x1a\x7f"

// Feed takes bytes that came at now and returns the keys in them.
func (k *Keys) Feed(now time.Time, in []byte) []byte {
	if len(k.sequence) > 0 && now.Sub(k.at) > escapeWait {
		k.sequence = k.sequence[:0] // the Escape key alone
	}
	k.at = now
	var out []byte
	for _, c := range in {
		wasCR := k.cr
		k.cr = false
		if len(k.letter) > 0 && utf8.RuneStart(c) { // the one before was cut short
			out = append(out, k.endLetter()...)
		}
		switch {
		case len(k.sequence) > 0:
			out = append(out, k.follow(c)...)
		case c == 0x1b:
			k.sequence = append(k.sequence, c)
		case c == '\r':
			k.cr = true
			out = append(out, Enter)
		case c == '\n':
			if !wasCR {
				out = append(out, Enter)
			}
		case c >= ' ' && c < 0x7f, bytes.IndexByte([]byte(editing), c) >= 0:
			out = append(out, c)
		case c >= utf8.RuneSelf && k.UTF8:
			if k.letter = append(k.letter, c); utf8.FullRune(k.letter) {
				out = append(out, k.endLetter()...)
			}
		case c > lastControl:
			out = append(out, Refused)
		}
	}
	return out
}

// lastControl ends the second block of control characters, U+0080 to U+009F.
const lastControl = 0x9f

// endLetter is the key of a letter of UTF-8 that has all its bytes, or will get no more.
func (k *Keys) endLetter() []byte {
	letter := k.letter
	k.letter = nil
	r, n := utf8.DecodeRune(letter)
	switch {
	case r <= lastControl, len(letter) == 1 && letter[0] <= lastControl:
		return nil
	case r == utf8.RuneError || n < len(letter) || !unicode.IsPrint(r):
		return []byte{Refused}
	}
	return letter
}

// SpeaksUTF8 tells it of the terminal of this process, as the locale says.
func SpeaksUTF8() bool {
	locale := strings.ToLower(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG")))
	return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
}

// sequenceLimit is more than any key's sequence has.
const sequenceLimit = 256

// follow takes a byte of a sequence; at its end it returns the key, if it is one.
func (k *Keys) follow(c byte) []byte {
	if c == 0x1b { // a sequence that was cut short, or the end of a string
		k.sequence = append(k.sequence[:0], c)
		return nil
	}
	if c == 0x18 || c == 0x1a || len(k.sequence) >= sequenceLimit { // CAN, SUB
		k.sequence = k.sequence[:0]
		return nil
	}
	if len(k.sequence) == 1 {
		switch c {
		case '[', 'O', ']', 'P', '^', '_', 'X': // CSI, SS3, and the strings: OSC, DCS, PM, APC, SOS
			k.sequence = append(k.sequence, c)
			return nil
		}
		k.sequence = k.sequence[:0]
		switch c {
		case 'b':
			return []byte("\x1b[1;3D")
		case 'f':
			return []byte("\x1b[1;3C")
		}
		return nil
	}
	switch k.sequence[1] {
	case '[':
		if c >= 0x40 && c < 0x7f {
			key := k.csi(c)
			k.sequence = k.sequence[:0]
			return key
		}
		if c < 0x20 {
			k.sequence = k.sequence[:0]
			return nil
		}
	case 'O':
		key := arrows[c]
		k.sequence = k.sequence[:0]
		return []byte(key)
	default: // a string ends with BEL or ESC \
		if c == 0x07 || c < 0x20 {
			k.sequence = k.sequence[:0]
			return nil
		}
	}
	k.sequence = append(k.sequence, c)
	return nil
}

// arrows are the sequences that x/term reads.
var arrows = map[byte]string{'A': "\x1b[A", 'B': "\x1b[B", 'C': "\x1b[C", 'D': "\x1b[D", 'H': "\x1b[H", 'F': "\x1b[F"}

// csi is the key of a whole control sequence that ends with c.
func (k *Keys) csi(c byte) []byte {
	text := string(k.sequence[2:])
	switch {
	case c == 'R':
		k.told(text)
		return nil
	case c == '~':
		switch text {
		case "1", "7":
			return []byte(arrows['H'])
		case "4", "8":
			return []byte(arrows['F'])
		case "3":
			return []byte("\x1b[3~")
		}
		return nil
	case text == "1;3" || text == "1;5": // Alt, Ctrl: by words
		if c == 'C' || c == 'D' {
			return []byte("\x1b[1;3" + string(c))
		}
		return nil
	case text == "":
		return []byte(arrows[c])
	}
	return nil
}

// AskSize asks a terminal how large it is: it goes as far down and right as there
// is room, and tells where it is. The answer comes as a key's sequence does.
const AskSize = "\x1b7\x1b[999;999H\x1b[6n\x1b8"

func (k *Keys) told(text string) {
	rows, columns, found := bytes.Cut([]byte(text), []byte(";"))
	r, c := number(rows), number(columns)
	if found && r > 0 && c > 0 {
		k.report = Size{Columns: c, Rows: r}
	}
}

func number(text []byte) int {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' || n > 9999 {
			return 0
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// Told is the size that the terminal told last; zero: none.
func (k *Keys) Told() Size { return k.report }
