"""Importing histories: what waits, what each file is and would change, and what may be done about it."""
