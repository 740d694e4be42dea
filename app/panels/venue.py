"""Where the session trades, and how it stands there."""

from __future__ import annotations

from app.panels.base import Surroundings, View
from app.picture import Picture
from widgets.venue.panel import VenuePanel


class VenuePlace(View):
    """The venue of a live session."""

    widget: VenuePanel

    def __init__(self, around: Surroundings) -> None:
        self.widget = VenuePanel(around.theme, around.display.zone)
        self.widget.arm_wanted.connect(lambda: around.act("arm"))
        self.widget.disarm_wanted.connect(lambda: around.act("disarm"))
        self.widget.kill_wanted.connect(lambda: around.act("kill"))

    def show(self, picture: Picture) -> None:
        self.widget.show_venue(picture.view.venue, picture.view.state, picture.view.state_reason)
