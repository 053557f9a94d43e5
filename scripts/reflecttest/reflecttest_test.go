package reflecttest

import (
	"net/netip"
	"reflect"
	"testing"
)

type inner struct {
	Told   int
	hidden [2]float64
}

type outer struct {
	Name   string
	by     map[string]inner
	list   []inner
	at     *inner
	self   *outer
	any    any
	Where  netip.Addr
	absent func()
}

func filled() *outer {
	in := inner{1, [2]float64{2, 3}}
	o := &outer{"name", map[string]inner{"k": in}, []inner{in, in}, &in, nil, in, netip.MustParseAddr("0.0.0.1"), func() {}}
	o.self = o
	return o
}

// Of one filled value, each spoilt field is told by its path, and nothing else is.
func TestEachSpoiltFieldIsToldByItsPath(t *testing.T) {
	for name, c := range map[string]struct {
		spoil           func(*outer)
		unset, differed []string
	}{
		"nothing":            {func(*outer) {}, nil, nil},
		"hidden in a slice":  {func(o *outer) { o.list[1].hidden[0] = 0 }, []string{"x.list[].hidden[]"}, []string{"x.list[].hidden[]"}},
		"behind a pointer":   {func(o *outer) { o.at = &inner{1, [2]float64{2, 0}} }, []string{"x.at.hidden[]"}, []string{"x.at.hidden[]"}},
		"in an interface":    {func(o *outer) { o.any = inner{0, [2]float64{2, 3}} }, []string{"x.any.Told"}, []string{"x.any.Told"}},
		"an empty list":      {func(o *outer) { o.list = o.list[:0] }, []string{"x.list"}, []string{"x.list"}},
		"no map":             {func(o *outer) { o.by = nil }, []string{"x.by"}, []string{"x.by"}},
		"another in the map": {func(o *outer) { o.by["k"] = inner{9, [2]float64{2, 3}} }, nil, []string{"x.by[k].Told"}},
		"no pointer":         {func(o *outer) { o.at = nil }, []string{"x.at"}, []string{"x.at"}},
	} {
		a, b := filled(), filled()
		c.spoil(b)
		b.self, a.self = nil, nil
		unset := Unset(*b, "x")
		if want := append(c.unset, "x.self"); !sameSet(unset, want) {
			t.Errorf("%s: unset %v, want %v", name, unset, want)
		}
		a.self, b.self = a, b // a circle ends
		differed := Differing(a, b, "x")
		if !sameSet(differed, c.differed) {
			t.Errorf("%s: differ in %v, want %v", name, differed, c.differed)
		}
	}
}

func sameSet(a, b []string) bool {
	set := func(list []string) map[string]bool {
		m := map[string]bool{}
		for _, s := range list {
			m[s] = true
		}
		return m
	}
	return reflect.DeepEqual(set(a), set(b))
}

// Each pointer, slice and map that two values share is told, and each that is empty.
func TestWhatTwoValuesShareIsTold(t *testing.T) {
	type deep struct {
		n    int
		list []inner
		at   *inner
		by   map[string]int
		in   [2]struct{ p *int }
	}
	fresh := func() deep {
		n, m := 1, 2
		return deep{1, []inner{{}}, &inner{}, map[string]int{"a": 1}, [2]struct{ p *int }{{&n}, {&m}}}
	}
	for name, c := range map[string]struct {
		spoil func(a, b *deep)
		want  []string
	}{
		"nothing":        {func(a, b *deep) {}, nil},
		"a slice":        {func(a, b *deep) { a.list = b.list }, []string{"x.list"}},
		"a pointer":      {func(a, b *deep) { a.at = b.at }, []string{"x.at"}},
		"a map":          {func(a, b *deep) { a.by = b.by }, []string{"x.by"}},
		"in an array":    {func(a, b *deep) { a.in[1] = b.in[1] }, []string{"x.in[].p"}},
		"an empty slice": {func(a, b *deep) { a.list = nil }, []string{"x.list"}},
	} {
		a, b := fresh(), fresh()
		c.spoil(&a, &b)
		if got := Shared(a, b, "x"); !sameSet(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
