// imagetest boots an image of bragi in an emulated machine, from the boot loader to the console on its serial line, and
// does to it what happens to an appliance: clients, updates, broken updates, power cuts. Nothing that is sent leaves a
// network namespace of its own.
package main
