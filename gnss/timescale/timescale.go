// Package timescale has the kinds of time that bragi handles, as types that do
// not mix, and the leap seconds that join two of them.
//
//	TAI    the sky's count: nanoseconds since 1970-01-01T00:00:00 TAI, the PTP epoch (IEEE 1588-2019, 7.2.2)
//	UTC    nanoseconds since 1970-01-01T00:00:00 UTC, every day 86,400 s long (POSIX); also what CLOCK_REALTIME claims
//	Mono   CLOCK_MONOTONIC_RAW: nobody steps or slews it; the clock under everything else
//	Local  a reading of the clock that is served (a PHC, or the board of software's): nominally TAI, true only as far as
//	       the servo says
//
// Edge is a pulse in two of them: what board sees and gnss labels.
//
// The four structs have fields of different names, so that Go refuses to
// convert one into another. Only LeapSeconds turns UTC into TAI and back.
// This package is a leaf: it knows neither the operating system nor the time.
package timescale

import "time"

// TAI is an instant of International Atomic Time.
type TAI struct{ taiNs int64 }

// UTC is an instant of UTC as POSIX counts it; a leap second 23:59:60 has no
// value of its own.
type UTC struct{ utcNs int64 }

// Mono is a reading of CLOCK_MONOTONIC_RAW. The zero value means "never".
type Mono struct{ rawNs int64 }

// Local is a reading of the served clock.
type Local struct{ localNs int64 }

// TAIFromNs makes an instant of nanoseconds since 1970-01-01 TAI.
func TAIFromNs(ns int64) TAI { return TAI{ns} }

// UTCFromNs makes an instant of POSIX nanoseconds.
func UTCFromNs(ns int64) UTC { return UTC{ns} }

// MonoFromNs makes a Mono of CLOCK_MONOTONIC_RAW nanoseconds.
func MonoFromNs(ns int64) Mono { return Mono{ns} }

// LocalFromNs makes a Local of the served clock's nanoseconds since its epoch.
func LocalFromNs(ns int64) Local { return Local{ns} }

// Ns is the count of nanoseconds since 1970-01-01 TAI.
func (t TAI) Ns() int64 { return t.taiNs }

// Ns is the count of POSIX nanoseconds.
func (t UTC) Ns() int64 { return t.utcNs }

// Ns is the reading in nanoseconds.
func (t Mono) Ns() int64 { return t.rawNs }

// Ns is the reading in nanoseconds.
func (t Local) Ns() int64 { return t.localNs }

// Add returns the instant d later.
func (t TAI) Add(d time.Duration) TAI { return TAI{t.taiNs + int64(d)} }

// Add returns the instant d later.
func (t UTC) Add(d time.Duration) UTC { return UTC{t.utcNs + int64(d)} }

// Add returns the instant d later.
func (t Mono) Add(d time.Duration) Mono { return Mono{t.rawNs + int64(d)} }

// Add returns the reading that is d more.
func (t Local) Add(d time.Duration) Local { return Local{t.localNs + int64(d)} }

// Sub is t - u.
func (t TAI) Sub(u TAI) time.Duration { return time.Duration(t.taiNs - u.taiNs) }

// Sub is t - u.
func (t UTC) Sub(u UTC) time.Duration { return time.Duration(t.utcNs - u.utcNs) }

// Sub is t - u.
func (t Mono) Sub(u Mono) time.Duration { return time.Duration(t.rawNs - u.rawNs) }

// Sub is t - u.
func (t Local) Sub(u Local) time.Duration { return time.Duration(t.localNs - u.localNs) }

// Before tells whether t is earlier than u.
func (t Mono) Before(u Mono) bool { return t.rawNs < u.rawNs }

// IsZero tells whether t is the zero value, "never".
func (t Mono) IsZero() bool { return t.rawNs == 0 }

// OffsetNs is the time error of the served clock in nanoseconds when it read t
// at the instant truth. Positive: the local clock is ahead.
func (t Local) OffsetNs(truth TAI) int64 { return t.localNs - truth.taiNs }

// AssumeTAI is the reading taken at its word. Only what is served, shown or
// jam-synced may do that; the servo never.
func (t Local) AssumeTAI() TAI { return TAI{t.localNs} }
