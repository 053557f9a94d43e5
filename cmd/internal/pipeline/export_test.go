package pipeline

// DisturbedShown is for the tests outside.
const DisturbedShown = disturbedShown

// ServoAlarms is likewise.
var ServoAlarms = servoAlarms
