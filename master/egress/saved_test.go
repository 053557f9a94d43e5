package egress

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"bragi/scripts/reflecttest"
)

func TestAPredictorGoesOnWhereAnotherEnded(t *testing.T) {
	for _, n := range []int{0, 1, medianSamples - 1, medianSamples, 3*medianSamples + 5} {
		old := New()
		for i := range n {
			old.Observe(First, 20_000+int64(i*7919%4000), 0)
			if i%3 == 0 {
				old.Observe(Later, 5_000+int64(i*104729%900), 0)
			}
		}
		next := New()
		next.Resume(old.Save())
		for range 2 * medianSamples { // and it forgets in the same order
			for _, on := range []Path{First, Later} {
				if a, b := old.Predict(on), next.Predict(on); a != b {
					t.Fatalf("after %d samples it predicts %d ns, the one before %d ns", n, b, a)
				}
				old.Observe(on, 30_000, 0)
				next.Observe(on, 30_000, 0)
			}
		}
	}
}

func TestAPredictorTakesNoNonsense(t *testing.T) {
	p := New()
	p.Resume(Saved{First: []int64{-5, 1 << 60, 7000}, Later: make([]int64, 1_000_000)})
	if got := p.Predict(First); got != 7000 {
		t.Errorf("it predicts %d ns", got)
	}
	if got := p.Save(); !reflect.DeepEqual(got.First, []int64{7000}) || len(got.Later) != medianSamples {
		t.Errorf("%d and %d samples are kept", len(got.First), len(got.Later))
	}
	if r := p.Residual(); r.N != 0 {
		t.Errorf("%d residuals that nobody measured", r.N)
	}
}

// Whatever is added to a Predictor must be given a value here, and then be saved and
// taken up again. The residual is measured anew.
func TestNoFieldOfAPredictorIsLost(t *testing.T) {
	old := New()
	for on := range numPaths {
		for i := range 2*medianSamples + 5 {
			old.Learn(on, 1000+100*int64(on)+int64(i*7919%400))
		}
	}
	kept := func(path string) bool {
		return !strings.HasPrefix(path, "Predictor.residual.") && path != "Predictor.scratch"
	}
	for _, path := range append(reflecttest.Unset(old, "Predictor"), reflecttest.Unset(old.Save(), "Saved")...) {
		if kept(path) {
			t.Errorf("%s is zero: fill it", path)
		}
	}
	text, err := json.Marshal(old.Save())
	if err != nil {
		t.Fatal(err)
	}
	var read Saved
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	next := New()
	next.Resume(read)
	for _, path := range reflecttest.Differing(old.Save(), next.Save(), "Saved") {
		t.Errorf("%s is not what it was", path)
	}
	for _, path := range reflecttest.Differing(old, next, "Predictor") {
		if kept(path) && !strings.Contains(path, ".samples.") { // a ring that begins elsewhere
			t.Errorf("%s is not what it was", path)
		}
	}
}
