package main

import "fmt"

// asked serves a thousand clients, in turns without a question and with the status
// asked a hundred times a second, and prints the spacing of the Syncs of both: what
// asks must not be seen by who is served.
func (b *bench) asked(pairs int) error {
	const clients, asks = 1000, 100
	fmt.Printf("\n%d clients, status asked %d times a second and not at all, windows of %v:\n\n", clients, asks, b.window)
	fmt.Println("| asked a second | held | spacing us | turn us | core % | answers | others % | stolen % |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	var p50, p99 [2]float64 // sums over the windows: not asked, asked
	for range pairs {
		for i, perSecond := range []int{0, asks} {
			m, err := b.measure("bragid", clients, perSecond)
			if err != nil {
				return err
			}
			p50[i] += float64(m.Spacing.P50)
			p99[i] += float64(m.Spacing.P99)
			fmt.Printf("| %d | %d | %s | %s | %.1f | %d | %.0f | %.1f |\n", perSecond, m.Held, m.Spacing.us(), m.Turn.us(), 100*m.core, m.answers, 100*m.others, 100*m.stolen)
		}
	}
	fmt.Printf("\nspacing with questions, to without: p50 %.2f, p99 %.2f (means of %d)\n", p50[1]/p50[0], p99[1]/p99[0], pairs)
	return nil
}
