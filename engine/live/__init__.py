"""A session that lives: real time, prices as they come, and a broker that may be outside this process."""
