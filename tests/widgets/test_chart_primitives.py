"""What is drawn by pointer is, pixel for pixel, what Qt draws shape by shape."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QApplication

from widgets.chart.primitives import draw_curve, draw_lines, draw_rects, pen

COLOR = QColor("#2FB8A6")


@pytest.fixture(autouse=True)
def _painting(qapp: QApplication) -> None:
    """Painting needs the application."""


def painted(draw: Callable[[QPainter], None]) -> QImage:
    image = QImage(200, 120, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)
    painter = QPainter(image)
    draw(painter)
    painter.end()
    return image


def columns(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count)
    x, y, width, height = rng.uniform(0, 100, (4, count))
    return x, y, width, height


def one_by_one(shape: type[QRectF] | type[QLineF], count: int, color_pen: QPen) -> Callable[[QPainter], None]:
    def draw(painter: QPainter) -> None:
        shapes = [shape(*map(float, row)) for row in zip(*columns(count), strict=True)]
        if shape is QRectF:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(COLOR)
            painter.drawRects(shapes)
        else:
            painter.setPen(color_pen)
            painter.drawLines(shapes)

    return draw


@pytest.mark.parametrize("count", [1, 40, 7, 900])
def test_rectangles_are_those_qt_draws_one_by_one(count: int) -> None:
    assert painted(lambda painter: draw_rects(painter, COLOR, *columns(count))) == painted(one_by_one(QRectF, count, pen(COLOR)))


@pytest.mark.parametrize("count", [1, 40, 7, 900])
def test_lines_are_those_qt_draws_one_by_one(count: int) -> None:
    assert painted(lambda painter: draw_lines(painter, pen(COLOR), *columns(count))) == painted(
        one_by_one(QLineF, count, pen(COLOR))
    )


def test_nothing_is_drawn_of_nothing() -> None:
    none = np.empty(0)

    def draw(painter: QPainter) -> None:
        draw_lines(painter, pen(COLOR), none, none, none, none)
        draw_rects(painter, COLOR, none, none, none, none)

    assert painted(draw) == painted(lambda _painter: None)


def test_a_curve_breaks_where_it_has_no_value() -> None:
    x = np.arange(0, 200, 20.0)
    y = np.full(len(x), 60.0)
    y[5] = np.nan
    image = painted(lambda painter: draw_curve(painter, pen(COLOR), x, y))
    assert image.pixelColor(50, 60) == COLOR
    assert image.pixelColor(100, 60) != COLOR
    assert image.pixelColor(150, 60) == COLOR
