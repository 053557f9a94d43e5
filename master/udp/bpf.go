package udp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// As much of the kernel's eBPF machine as a short program needs (RFC 9669).

// instruction is a struct bpf_insn of a little-endian machine.
type instruction struct {
	Code byte
	Regs byte // the destination in the lower half, the source in the upper
	Off  int16
	Imm  int32
}

// register 0 has a helper's answer, 1 to 5 its arguments, 6 to 9 are kept, 10
// is the end of the stack.
type register byte

const frame register = 10

// size of a load or store.
type size byte

const (
	long  size = unix.BPF_DW
	word  size = unix.BPF_W
	half  size = unix.BPF_H
	octet size = unix.BPF_B
)

// program is written from top to bottom.
type program struct {
	code   []instruction
	jumps  map[int]string // where a jump is, and to which label
	labels map[string]int
}

func (p *program) add(code byte, dst, src register, off int, imm int32) {
	p.code = append(p.code, instruction{code, byte(dst) | byte(src)<<4, int16(off), imm})
}

const alu64 = unix.BPF_ALU64

func (p *program) mov(dst, src register)       { p.add(alu64|unix.BPF_MOV|unix.BPF_X, dst, src, 0, 0) }
func (p *program) set(dst register, imm int32) { p.add(alu64|unix.BPF_MOV|unix.BPF_K, dst, 0, 0, imm) }
func (p *program) plus(dst, src register)      { p.add(alu64|unix.BPF_ADD|unix.BPF_X, dst, src, 0, 0) }
func (p *program) plusK(dst register, imm int32) {
	p.add(alu64|unix.BPF_ADD|unix.BPF_K, dst, 0, 0, imm)
}
func (p *program) minus(dst, src register)      { p.add(alu64|unix.BPF_SUB|unix.BPF_X, dst, src, 0, 0) }
func (p *program) or(dst, src register)         { p.add(alu64|unix.BPF_OR|unix.BPF_X, dst, src, 0, 0) }
func (p *program) andK(dst register, imm int32) { p.add(alu64|unix.BPF_AND|unix.BPF_K, dst, 0, 0, imm) }
func (p *program) leftK(dst register, n int32)  { p.add(alu64|unix.BPF_LSH|unix.BPF_K, dst, 0, 0, n) }
func (p *program) rightK(dst register, n int32) { p.add(alu64|unix.BPF_RSH|unix.BPF_K, dst, 0, 0, n) }

// signedRightK shifts the sign along.
func (p *program) signedRightK(dst register, n int32) {
	p.add(alu64|unix.BPF_ARSH|unix.BPF_K, dst, 0, 0, n)
}

// bigEndian turns the lower bits of a register from or to the network's order,
// and clears the others.
func (p *program) bigEndian(dst register, bits int32) {
	p.add(unix.BPF_ALU|unix.BPF_END|unix.BPF_TO_BE, dst, 0, 0, bits)
}

func (p *program) load(dst register, n size, from register, off int) {
	p.add(unix.BPF_LDX|unix.BPF_MEM|byte(n), dst, from, off, 0)
}

func (p *program) store(n size, to register, off int, src register) {
	p.add(unix.BPF_STX|unix.BPF_MEM|byte(n), to, src, off, 0)
}

// argument puts one into its register.
type argument func(p *program, to register)

func value(v int32) argument { return func(p *program, to register) { p.set(to, v) } }
func in(r register) argument { return func(p *program, to register) { p.mov(to, r) } }
func onStack(off int32) argument {
	return func(p *program, to register) { p.mov(to, frame); p.plusK(to, off) }
}

// call asks a helper of the kernel; registers 1 to 5 are lost.
func (p *program) call(helper int32, arguments ...argument) {
	for i, a := range arguments {
		a(p, register(1+i))
	}
	p.add(unix.BPF_JMP|unix.BPF_CALL, 0, 0, 0, helper)
}

func (p *program) exit() { p.add(unix.BPF_JMP|unix.BPF_EXIT, 0, 0, 0, 0) }

// when jumps to a label if `register condition imm`; condition is one of the
// kernel's BPF_J*.
func (p *program) when(r register, condition byte, imm int32, label string) {
	if p.jumps == nil {
		p.jumps, p.labels = map[int]string{}, map[string]int{}
	}
	p.jumps[len(p.code)] = label
	p.add(unix.BPF_JMP|condition|unix.BPF_K, r, 0, 0, imm)
}

// whenWord likewise looks at the lower 32 bits alone.
func (p *program) whenWord(r register, condition byte, imm uint32, label string) {
	p.when(r, condition, int32(imm), label)
	p.code[len(p.code)-1].Code ^= unix.BPF_JMP ^ unix.BPF_JMP32
}

// always jumps to a label.
func (p *program) always(label string) { p.when(0, unix.BPF_JA, 0, label) }

// label is where the jumps to it go.
func (p *program) label(name string) { p.labels[name] = len(p.code) }

// resolved is the program with its jumps' distances.
func (p *program) resolved() []instruction {
	for at, label := range p.jumps {
		p.code[at].Off = int16(p.labels[label] - at - 1)
	}
	return p.code
}

// Helpers of the kernel (enum bpf_func_id), and what a program at a device's
// egress may answer (enum tcx_action_base).
const (
	helperKtimeGetNs    = 5
	helperSkbStoreBytes = 9
	helperL4CsumReplace = 11
	helperSkbLoadBytes  = 26
	helperCsumDiff      = 28

	tcxNext = -1 // on to the device
	tcxDrop = 2
)

// loadProgram gives a program to the kernel, which verifies it.
func loadProgram(name string, code []instruction) (fd int, err error) {
	var text bytes.Buffer
	_ = binary.Write(&text, binary.NativeEndian, code) // a buffer takes everything
	const licence = "Apache-2.0\x00"                   // no helper asks for more
	fd, e := load(name, text.Bytes(), []byte(licence), nil)
	if e == unix.EACCES || e == unix.EINVAL {
		// The verifier's words.
		log := make([]byte, 64<<10)
		if fd, again := load(name, text.Bytes(), []byte(licence), log); again == 0 {
			return fd, nil
		}
		said, _, _ := bytes.Cut(log, []byte{0})
		lines := strings.Split(strings.TrimSpace(string(said)), "\n")
		return -1, fmt.Errorf("bpf: the program %s is refused: %w: %s", name, e, strings.Join(lines[max(0, len(lines)-3):], "; "))
	}
	if e != 0 {
		return -1, fmt.Errorf("bpf: the program %s is refused: %w", name, e)
	}
	return fd, nil
}

// programLoad is the union bpf_attr as BPF_PROG_LOAD has it. Pointers are 64 bits
// everywhere.
type programLoad struct {
	kind, instructions uint32
	code, licence      uint64
	logLevel, logSize  uint32
	log                uint64
	kernel, flags      uint32
	name               [16]byte
	device, attach     uint32
}

func load(name string, code, licence, log []byte) (fd int, e unix.Errno) {
	var pinned runtime.Pinner
	defer pinned.Unpin()
	address := func(b []byte) uint64 {
		pinned.Pin(&b[0])
		return uint64(uintptr(unsafe.Pointer(&b[0])))
	}
	attr := programLoad{kind: unix.BPF_PROG_TYPE_SCHED_CLS, instructions: uint32(len(code) / int(unsafe.Sizeof(instruction{}))),
		code: address(code), licence: address(licence), attach: unix.BPF_TCX_EGRESS}
	if log != nil {
		attr.logLevel, attr.logSize, attr.log = 1, uint32(len(log)), address(log)
	}
	copy(attr.name[:len(attr.name)-1], name)
	r, _, e := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	return int(r), e
}

// linkCreate likewise, for BPF_LINK_CREATE of a program at a device.
type linkCreate struct {
	program, device, attach, flags uint32
	relative, _                    uint32
	revision                       uint64
}

// linkEgress lets a program see all that leaves by a device, for as long as the
// link's descriptor is open and the device is there (tcx, Linux 6.6).
func linkEgress(program, ifindex int) (fd int, err error) {
	attr := linkCreate{program: uint32(program), device: uint32(ifindex), attach: unix.BPF_TCX_EGRESS}
	r, _, e := unix.Syscall(unix.SYS_BPF, unix.BPF_LINK_CREATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if e != 0 {
		return -1, fmt.Errorf("bpf: no link to device %d: %w", ifindex, e)
	}
	return int(r), nil
}
