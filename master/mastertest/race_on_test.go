//go:build race

package mastertest

const raceEnabled = true
