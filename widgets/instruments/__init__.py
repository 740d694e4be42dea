"""The editor of instruments."""
