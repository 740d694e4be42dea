"""The order book of one instrument."""
