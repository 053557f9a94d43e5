package egress

import (
	"reflect"
	"testing"
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

// Each path, and each field of a Saved, outlives the process.
func TestNoPathIsForgotten(t *testing.T) {
	old := New()
	for on := range numPaths {
		old.Learn(on, 1000+int64(on))
	}
	s := old.Save()
	for v, i := reflect.ValueOf(s), 0; i < v.NumField(); i++ {
		if v.Field(i).Len() != 1 {
			t.Errorf("%s is empty", v.Type().Field(i).Name)
		}
	}
	next := New()
	next.Resume(s)
	for on := range numPaths {
		if got := next.Predict(on); got != 1000+int64(on) {
			t.Errorf("path %d predicts %d ns, want %d", on, got, 1000+int64(on))
		}
	}
}
