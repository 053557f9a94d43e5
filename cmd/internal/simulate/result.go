package simulate

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"bragi/holdover/quality"
	"bragi/holdover/stability"
)

// Number is a float64 that is null in JSON when it is not known.
type Number float64

// MarshalJSON is the number, or null.
func (n Number) MarshalJSON() ([]byte, error) {
	if v := float64(n); math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

var nan = Number(math.NaN())

// Result is the judgement of a run, by the truth that the servo cannot see.
type Result struct {
	Oscillator string `json:"oscillator"`
	Scenario   string `json:"scenario,omitempty"`
	Seed       uint64 `json:"seed"`

	Lock     Lock      `json:"lock"`
	Holdover []Holding `json:"holdover"`
	// ForecastS is what was forecast just before the loss: for how long the
	// bound stays inside the spec. Class7S is the same under max_holdover.
	ForecastS    Number `json:"forecast_s"`
	Class7S      Number `json:"class7_s"`
	ForecastP50S Number `json:"forecast_p50_s"` // when the error is as likely outside as inside
	ForecastP95S Number `json:"forecast_p95_s"` // until when it is inside in 19 cases of 20
	// ActualS is how long the true error stayed inside; when it did to the end
	// of the holdover, ActualOver is true: it is at least so long.
	ActualS    Number `json:"actual_s"`
	ActualOver bool   `json:"actual_over"`
	// FalseClass7: class 7 was announced while the true error was outside the
	// spec.
	FalseClass7 bool `json:"false_class7"`
	// OutsideS is for how many seconds the true error was outside the bound.
	OutsideS    int     `json:"outside_bound_s"`
	TimeToLockS Number  `json:"time_to_lock_s"` // from the start to LOCKED
	RelockS     Number  `json:"relock_s"`       // from the reference's return to LOCKED
	Steps       int     `json:"steps"`          // after LOCKED was reached
	FirstSteps  int     `json:"first_steps"`    // before
	MaxPPBPerS  float64 `json:"max_ppb_per_s"`  // largest change of frequency in any second, once served or locked
	PeakNs      Number  `json:"peak_ns"`        // largest true error that was served after the first LOCKED
	Classes     []Class `json:"classes"`
}

// Lock is the true error in LOCKED, from FromS on to the first loss.
type Lock struct {
	FromS  int               `json:"from_s"`
	ForS   int               `json:"for_s"`
	RMSNs  Number            `json:"rms_ns"`
	MaxNs  Number            `json:"max_ns"`
	MTIENs map[string]Number `json:"mtie_ns"`
	TDEVNs map[string]Number `json:"tdev_ns"`
	Mask   Masks             `json:"mask"`
	// What broke the masks first, empty where they are met.
	MaskWhy map[string]string `json:"mask_why,omitempty"`
}

// Masks tells which masks the lock meets.
type Masks struct {
	PRTCA bool `json:"g8272_prtc_a"`
	PRTCB bool `json:"g8272_prtc_b"`
}

// Holding is the true error some time after the loss.
type Holding struct {
	AtS     int    `json:"at_s"`
	ErrorNs Number `json:"error_ns"`
	BoundNs Number `json:"bound_ns"`
}

// Class is a clockClass and when it was first announced.
type Class struct {
	AtS   int   `json:"at_s"`
	Class uint8 `json:"class"` // 0: not served
}

// Holdovers are looked at so long after the loss.
var holdoverAt = []int{3600, 4 * 3600, 24 * 3600}

// lockTaus, in s, are those of the JSON that the lock is long enough for.
var lockTaus = []int{1, 10, 100, 1000, 10_000}

// settleMost is what of the lock is left out at its beginning: an hour, or a
// quarter of a short lock, in which the estimator still learns.
const settleMost = time.Hour

// judge fills the result from the trace.
func (r *Result) judge(t *Trace) {
	end := len(t.ErrorNs)
	loss := t.Loss
	if loss < 0 {
		loss = end
	}
	locked := firstLocked(t)
	r.PeakNs, r.ActualS, r.RelockS = nan, nan, nan
	r.Holdover, r.Classes = []Holding{}, []Class{}
	r.Lock = judgeLock(t, locked, loss)
	for i := locked; i < end; i++ {
		if a := math.Abs(t.ErrorNs[i]); t.Class[i] != 0 && !(a <= float64(r.PeakNs)) {
			r.PeakNs = Number(round(a, 3))
		}
	}
	r.judgeHoldover(t, loss)
	for i, class := range t.Class {
		if n := len(r.Classes); n == 0 && class != 0 || n > 0 && r.Classes[n-1].Class != class {
			r.Classes = append(r.Classes, Class{i + 1, class})
		}
		if class == classInSpec && math.Abs(t.ErrorNs[i]) > t.SpecNs {
			r.FalseClass7 = true
		}
		if e := math.Abs(t.ErrorNs[i]); i >= locked && e > t.BoundNs[i] {
			r.OutsideS++
		}
	}
}

func firstLocked(t *Trace) int {
	for i, s := range t.State {
		if s == quality.Locked {
			return i
		}
	}
	return len(t.State)
}

func judgeLock(t *Trace, locked, loss int) Lock {
	l := Lock{RMSNs: nan, MaxNs: nan, MTIENs: map[string]Number{}, TDEVNs: map[string]Number{}}
	from := locked + min(int(settleMost.Seconds()), max(loss-locked, 0)/4)
	if from >= loss {
		return l
	}
	x := t.ErrorNs[from:loss]
	l.FromS, l.ForS = from+1, len(x)
	square, n := 0.0, 0
	for _, v := range x {
		if !math.IsNaN(v) { // a gap in a record
			square += v * v
			n++
		}
	}
	l.RMSNs, l.MaxNs = Number(round(math.Sqrt(square/float64(n)), 3)), Number(round(worst(x), 3))
	for _, tau := range lockTaus {
		key := strconv.Itoa(tau)
		if mtie, n := stability.MTIE(x, tau); n > 0 {
			l.MTIENs[key] = Number(round(mtie, 3))
		}
		if tdev, n := stability.TDEV(x, 1, tau); n > 0 {
			l.TDEVNs[key] = Number(round(tdev, 4))
		}
	}
	rows := stability.Table(x, 1, stability.Octaves(len(x)))
	l.MaskWhy = map[string]string{}
	judge := func(m stability.Mask) bool {
		broken, met := m.Judge(x, rows)
		if !met {
			l.MaskWhy[m.Name] = broken.String()
		}
		return met
	}
	l.Mask = Masks{judge(stability.PRTCA), judge(stability.PRTCB)}
	return l
}

// judgeHoldover looks at the time from the loss to the end of the scenario, or
// to the return of the reference.
func (r *Result) judgeHoldover(t *Trace, loss int) {
	end := len(t.ErrorNs)
	if t.Loss < 0 {
		return
	}
	back := loss
	for back < end && !t.returned(back) {
		back++
	}
	for _, at := range holdoverAt {
		if i := loss + at - 1; i < back {
			r.Holdover = append(r.Holdover, Holding{at, Number(round(t.ErrorNs[i], 3)), Number(round(t.BoundNs[i], 3))})
		}
	}
	i := loss
	for i < back && !(math.Abs(t.ErrorNs[i]) > t.SpecNs) {
		i++
	}
	r.ActualS, r.ActualOver = Number(i-loss), i == back
	for i := back; i < end; i++ {
		if t.State[i] == quality.Locked {
			r.RelockS = Number(i - back)
			break
		}
	}
}

// returned tells whether the reference is back at i: the clock relocks, or
// starts anew after a loss of power.
func (t *Trace) returned(i int) bool {
	switch t.State[i] {
	case quality.Locked:
		return i > t.Loss+leaveLocked
	case quality.HoldoverSpec, quality.HoldoverNoSpec:
		return false
	}
	return !t.Off[i]
}

// leaveLocked is how long after the loss, in s, LOCKED may still be said: until
// the receiver gives up its fix, and no pulse came for some seconds.
const leaveLocked = 120

func worst(x []float64) float64 {
	most := 0.0
	for _, v := range x {
		if a := math.Abs(v); a > most {
			most = a
		}
	}
	return most
}

// round keeps so many places behind the point: more would be noise.
func round(v float64, places int) float64 {
	p := math.Pow(10, float64(places))
	return math.Round(v*p) / p
}

const classInSpec = 7 // clockClass of a holdover inside its spec
