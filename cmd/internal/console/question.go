package console

// question is one that the session asks its user.
type question struct {
	help string // what `?` answers
}
