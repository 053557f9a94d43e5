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
	By   User
	What string
}

func (e ChangeRefused) Words() Words {
	return Words{TopicOperator, "CHANGE_REFUSED", Warning, e.By.String() + " may not: " + e.What, Fields{{"uid", e.By.UID}, {"user", e.By.Name}, {"what", e.What}}}
}
