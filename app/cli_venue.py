"""Where a venue is, as commands take it in options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.core.errors import UserError

if TYPE_CHECKING:
    from engine.profile import VenueSection


def venue_section(**options: Any) -> VenueSection:
    """The venue that these options describe. UserError names the option that is out of range."""
    from pydantic import ValidationError

    from engine.profile import VenueSection

    try:
        return VenueSection.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise UserError(
            f"--{option} {_shown(first['input'])} is out of range: it {first['msg'].removeprefix('Input ')}"
        ) from error


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
