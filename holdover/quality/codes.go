package quality

import "math"

// Values of clockAccuracy (IEEE 1588-2008 table 6, 1588-2019 table 5).
const (
	Accuracy25ns    = 0x20 // the best code that a 2008 client knows
	AccuracyOver10s = 0x31
	AccuracyUnknown = 0xFE
)

// Values of timeSource (IEEE 1588-2019 table 6).
const (
	TimeSourceAtomic   = 0x10
	TimeSourceGNSS     = 0x20
	TimeSourceRadio    = 0x30
	TimeSourceSerial   = 0x39
	TimeSourcePTP      = 0x40
	TimeSourceNTP      = 0x50
	TimeSourceHandSet  = 0x60
	TimeSourceOther    = 0x90
	TimeSourceInternal = 0xA0
)

// VarianceUnknown is offsetScaledLogVariance when it was not computed.
const VarianceUnknown = 0xFFFF

// accuracies are the limits of clockAccuracy from 0x20 on. The codes below,
// which 1588-2019 added, are reserved in 1588-2008 and so never announced.
var accuracies = [...]struct {
	limitNs float64
	name    string
}{
	{25, "25 ns"}, {100, "100 ns"}, {250, "250 ns"},
	{1e3, "1 us"}, {2.5e3, "2.5 us"}, {10e3, "10 us"}, {25e3, "25 us"}, {100e3, "100 us"}, {250e3, "250 us"},
	{1e6, "1 ms"}, {2.5e6, "2.5 ms"}, {10e6, "10 ms"}, {25e6, "25 ms"}, {100e6, "100 ms"}, {250e6, "250 ms"},
	{1e9, "1 s"}, {10e9, "10 s"},
}

// AccuracyCode is the smallest clockAccuracy whose limit covers boundNs:
// AccuracyOver10s beyond the last, AccuracyUnknown for a bound that is NaN,
// infinite or negative.
func AccuracyCode(boundNs float64) uint8 {
	if math.IsNaN(boundNs) || math.IsInf(boundNs, 0) || boundNs < 0 {
		return AccuracyUnknown
	}
	for i, a := range accuracies {
		if boundNs <= a.limitNs {
			return uint8(Accuracy25ns + i)
		}
	}
	return AccuracyOver10s
}

// AccuracyLimitNs is the limit that a clockAccuracy claims, in ns; infinite for
// "over 10 s", NaN for unknown and reserved codes.
func AccuracyLimitNs(code uint8) float64 {
	if i := int(code) - Accuracy25ns; i >= 0 && i < len(accuracies) {
		return accuracies[i].limitNs
	}
	if code == AccuracyOver10s {
		return math.Inf(1)
	}
	return math.NaN()
}

// AccuracyName is a clockAccuracy in words, "within 100 ns".
func AccuracyName(code uint8) string {
	if i := int(code) - Accuracy25ns; i >= 0 && i < len(accuracies) {
		return "within " + accuracies[i].name
	}
	switch code {
	case AccuracyOver10s:
		return "over 10 s"
	case AccuracyUnknown:
		return "unknown"
	}
	return "reserved"
}

// LogVariance is offsetScaledLogVariance of a standard deviation in ns:
// 0x8000 + 256 log2(sigma^2), sigma in seconds (IEEE 1588-2019, 7.6.3.3).
// 33.8 ns give 0x4E5D. VarianceUnknown for what is no positive number.
func LogVariance(sigmaNs float64) uint16 {
	if math.IsNaN(sigmaNs) || math.IsInf(sigmaNs, 0) || sigmaNs <= 0 {
		return VarianceUnknown
	}
	v := 0x8000 + 512*math.Log2(sigmaNs*1e-9)
	return uint16(math.Round(min(max(v, 0), VarianceUnknown-1)))
}
