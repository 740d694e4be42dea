"""The chart widget and the values it takes."""

from widgets.chart.aggregate import Rollup, aggregate
from widgets.chart.marks import FillMark, PriceLine, SignalMark
from widgets.chart.widget import ChartWidget

__all__ = ["ChartWidget", "FillMark", "PriceLine", "Rollup", "SignalMark", "aggregate"]
