"""What all tests share: hypothesis does not judge how long a kernel takes to compile."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("nicegold", deadline=None, print_blob=True)
settings.load_profile("nicegold")
