// Package reflecttest looks into values of any type, their unexported fields too, for
// tests of what is saved. Only tests import it.
package reflecttest

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
)

// Unset are the paths of what is zero or empty in v, however deep. A test that fills
// v and wants none finds each field that somebody adds later. Bytes in a row are one.
func Unset(v any, name string) []string {
	var list []string
	unset(reflect.ValueOf(v), name, &list)
	return slices.Compact(list)
}

func unset(v reflect.Value, path string, list *[]string) {
	switch {
	case !v.IsValid():
		*list = append(*list, path)
	case (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && !v.IsNil():
		unset(v.Elem(), path, list)
	case v.Kind() == reflect.Struct && ours(v.Type()):
		for i := range v.NumField() {
			unset(v.Field(i), path+"."+v.Type().Field(i).Name, list)
		}
	case (v.Kind() == reflect.Array || v.Kind() == reflect.Slice) && v.Len() > 0 && v.Type().Elem().Kind() != reflect.Uint8:
		for i := range v.Len() {
			unset(v.Index(i), path+"[]", list)
		}
	case v.IsZero() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0:
		*list = append(*list, path)
	}
}

// ours tells whether a struct's fields are of this module: those of another are its
// own affair.
func ours(t reflect.Type) bool {
	return t.PkgPath() == "" || t.PkgPath() == "bragi" || strings.HasPrefix(t.PkgPath(), "bragi/")
}

// Differing are the paths where a and b, of one type, are not the same, however deep.
// A nil slice is as good as an empty one; functions are not compared.
func Differing(a, b any, name string) []string {
	d := differ{seen: map[[2]uintptr]bool{}}
	d.walk(reflect.ValueOf(a), reflect.ValueOf(b), name)
	return slices.Compact(d.list)
}

type differ struct {
	list []string
	seen map[[2]uintptr]bool // pairs of pointers
}

func (d *differ) walk(a, b reflect.Value, path string) {
	differs := func() { d.list = append(d.list, path) }
	if a.IsValid() != b.IsValid() || a.IsValid() && a.Type() != b.Type() {
		differs()
		return
	}
	same := true
	switch a.Kind() {
	case reflect.Invalid, reflect.Func, reflect.Chan, reflect.UnsafePointer:
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			same = a.IsNil() == b.IsNil()
			break
		}
		if a.Kind() == reflect.Pointer {
			pair := [2]uintptr{a.Pointer(), b.Pointer()}
			if d.seen[pair] {
				return
			}
			d.seen[pair] = true
		}
		d.walk(a.Elem(), b.Elem(), path)
	case reflect.Struct:
		for i := range a.NumField() {
			d.walk(a.Field(i), b.Field(i), path+"."+a.Type().Field(i).Name)
		}
	case reflect.Array, reflect.Slice:
		if a.Len() != b.Len() {
			same = false
			break
		}
		for i := range a.Len() {
			d.walk(a.Index(i), b.Index(i), path+"[]")
		}
	case reflect.Map:
		if a.Len() != b.Len() {
			same = false
			break
		}
		for _, k := range a.MapKeys() {
			d.walk(a.MapIndex(k), b.MapIndex(k), fmt.Sprintf("%s[%v]", path, k))
		}
	case reflect.Float32, reflect.Float64:
		same = a.Float() == b.Float() || math.IsNaN(a.Float()) && math.IsNaN(b.Float())
	default:
		same = a.Equal(b)
	}
	if !same {
		differs()
	}
}

// Shared are the paths where a and b, of one type, hold the same pointer, slice or map,
// so that a change of one is seen in the other. What is nil or empty in a is told too:
// of that nothing can be seen. Functions are not compared.
func Shared(a, b any, name string) []string {
	var list []string
	shared(reflect.ValueOf(a), reflect.ValueOf(b), name, &list)
	return slices.Compact(list)
}

func shared(a, b reflect.Value, path string, list *[]string) {
	switch a.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if a.IsNil() || a.Kind() != reflect.Pointer && a.Len() == 0 || a.Pointer() == b.Pointer() {
			*list = append(*list, path)
			return
		}
	}
	switch a.Kind() {
	case reflect.Pointer:
		if !b.IsNil() {
			shared(a.Elem(), b.Elem(), path, list)
		}
	case reflect.Interface:
		if !a.IsNil() && !b.IsNil() {
			shared(a.Elem(), b.Elem(), path, list)
		}
	case reflect.Struct:
		for i := range a.NumField() {
			shared(a.Field(i), b.Field(i), path+"."+a.Type().Field(i).Name, list)
		}
	case reflect.Array, reflect.Slice:
		for i := range min(a.Len(), b.Len()) {
			shared(a.Index(i), b.Index(i), path+"[]", list)
		}
	}
}
