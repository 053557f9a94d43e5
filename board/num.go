package board

import (
	"math"
	"time"
)

func roundDuration(ns float64) time.Duration { return time.Duration(math.Round(ns)) }
