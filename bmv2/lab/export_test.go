package lab

// AlwaysTogether makes the workers of a lab work together whether it pays or not.
func AlwaysTogether(l *Lab) { l.plan.always = true }
