"""Small protocols; their docstrings state the promises an implementation must keep."""
