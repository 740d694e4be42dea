"""Interactive Brokers through ib_async: the only place that knows the library."""
