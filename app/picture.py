"""What a panel is shown once per frame."""

from __future__ import annotations

from dataclasses import dataclass

from engine.domain.views import EngineView
from engine.host import Frame, Opening
from engine.portfolio.chronicle import Chronicle
from widgets.format import Display


@dataclass(frozen=True, slots=True)
class Picture:
    """The frame at hand, and what grew out of all frames before it."""

    frame: Frame
    opening: Opening
    chronicle: Chronicle
    display: Display

    @property
    def view(self) -> EngineView:
        return self.frame.view
