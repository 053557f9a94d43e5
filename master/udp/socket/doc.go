// Package socket is what a PTP program needs of the kernel's sockets: they are
// opened and set up, read and written in batches, and say when a message came
// and when it left.
//
//	socket.go     a UDP socket and its options
//	family.go     all that is IPv4: addresses, and options and control messages of IPPROTO_IP
//	control.go    control messages, and the stamps in them: one reader and one writer
//	receive.go    recvmmsg
//	send.go       sendmmsg, and one message at once that is stamped
//	errorqueue.go the stamps of what has left
//	ethernet.go   messages as Ethernet frames (IEEE 1588-2019, annex E)
//
// Nothing here waits, and nothing is allocated per packet. The package knows no
// PTP but its ports.
package socket
