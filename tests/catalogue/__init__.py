"""The catalogue of faults: each case drives a whole live session against a loopback venue that misbehaves, and ends with I1-I5."""
