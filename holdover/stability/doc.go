// Package stability measures clocks by their phase: Allan, modified Allan,
// Hadamard and time deviation (IEEE 1139, NIST SP 1065) and the maximum time
// interval error (ITU-T G.810), and holds them against the masks of the
// telecom standards.
//
// Phase x is a list of time errors, one each tau0 seconds; NaN is a gap, and
// what would need it is left out. Deviations of phase (TDEV, MTIE) come in the
// unit of x, deviations of frequency (ADEV, OADEV, MDEV, HDEV) in that unit
// per second. m is the averaging factor: tau = m tau0.
//
//	ADEV   sqrt( <(x[i+2m] - 2x[i+m] + x[i])^2> / 2 ) / tau             i in steps of m
//	OADEV  the same, i in steps of 1
//	MDEV   the same with x replaced by its mean over m points
//	TDEV   tau MDEV / sqrt(3)
//	HDEV   sqrt( <(x[i+3m] - 3x[i+2m] + 3x[i+m] - x[i])^2> / 6 ) / tau   i in steps of m
//	MTIE   the largest of max(x) - min(x) over windows of m+1 points
//
// It knows nothing but numbers.
package stability
