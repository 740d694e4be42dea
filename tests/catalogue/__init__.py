"""The catalogue of faults: each case drives a whole live session against a loopback venue that misbehaves, then checks I1-I5."""
