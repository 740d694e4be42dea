"""One TOML file an instrument: how it is dealt, when, and what it costs."""
