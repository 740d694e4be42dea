"""Where a live session trades: how it stands there, the last comparison with the books, arming and the kill switch."""
