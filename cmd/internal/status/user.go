package status

import "fmt"

// User is who asks for something, as the kernel says.
type User struct {
	UID  uint32
	Name string // "": not known on this machine
}

// String is the user for people: "anna (uid 1000)".
func (u User) String() string {
	if u.Name == "" {
		return fmt.Sprintf("uid %d", u.UID)
	}
	return fmt.Sprintf("%s (uid %d)", u.Name, u.UID)
}

// ChangeAsked is a change that somebody asks for, who may.
type ChangeAsked struct {
	By   User
	What string // "clock step"
}

func (e ChangeAsked) Words() Words {
	return Words{TopicOperator, "CHANGE", Notice, e.By.String() + " asks for: " + e.What, Fields{{"uid", e.By.UID}, {"user", e.By.Name}, {"what", e.What}}}
}

// ChangeRefused is a change that somebody asks for, who may not.
type ChangeRefused struct {
	By     User
	What   string
	Untold uint64 // of the same user, refused before this one and not told
	Last   bool   // further ones of this minute are counted, not told
}

func (e ChangeRefused) Words() Words {
	text := e.By.String() + " may not: " + e.What
	if e.Untold > 0 {
		text += fmt.Sprintf("; it asked %d times more meanwhile", e.Untold)
	}
	if e.Last {
		text += "; what more it asks for is counted, not told, for up to a minute"
	}
	return Words{TopicOperator, "CHANGE_REFUSED", Warning, text, Fields{{"uid", e.By.UID}, {"user", e.By.Name}, {"what", e.What}, {"untold", e.Untold}}}
}
