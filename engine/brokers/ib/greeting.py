"""The first thing TWS says: its version and its own time, of which ib_async keeps only the version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

OLDEST = 157
"""The lowest server version that ib_async speaks: TWS 972."""
ZONES: Mapping[str, str] = {
    **dict.fromkeys(("EST", "EDT", "US/Eastern", "Eastern Standard Time"), "America/New_York"),
    **dict.fromkeys(("CST", "CDT", "US/Central", "Central Standard Time"), "America/Chicago"),
    **dict.fromkeys(("MST", "MDT", "US/Mountain", "Mountain Standard Time"), "America/Denver"),
    **dict.fromkeys(("PST", "PDT", "US/Pacific", "Pacific Standard Time"), "America/Los_Angeles"),
    **dict.fromkeys(("GMT", "BST", "GB", "Greenwich Mean Time", "British Summer Time"), "Europe/London"),
    **dict.fromkeys(("CET", "CEST", "MET", "MEST", "MEZ", "Central European Standard Time"), "Europe/Berlin"),
    **dict.fromkeys(("EET", "EEST", "Eastern European Standard Time"), "Europe/Athens"),
    **dict.fromkeys(("UTC", "Z", "Coordinated Universal Time"), "UTC"),
    **dict.fromkeys(("JST", "Japan", "Japan Standard Time"), "Asia/Tokyo"),
    **dict.fromkeys(("HKT", "Hongkong", "Hong Kong Standard Time"), "Asia/Hong_Kong"),
    **dict.fromkeys(("SGT", "Singapore", "Singapore Standard Time"), "Asia/Singapore"),
}
"""Zones by the names that TWS gives them; what has another name is found by how far its clock is from UTC."""
STEPS: Mapping[int, str] = {330: "Asia/Kolkata", 345: "Asia/Kathmandu", 570: "Australia/Darwin", 390: "Asia/Yangon"}
"""Zones that are no whole hours from UTC, by minutes."""


class Greeting:
    """Reads the handshake from the bytes that come first. `version` is 0 until it is complete."""

    def __init__(self) -> None:
        self.version = 0
        self.time = ""
        self._data = b""

    def feed(self, data: bytes) -> bool:
        """Takes bytes; True once the greeting is complete."""
        self._data += data
        end = 4 + int.from_bytes(self._data[:4], "big")
        if len(self._data) < max(end, 5):
            return False
        fields = self._data[4:end].split(b"\0")
        if len(fields) == 3 and fields[0].isdigit():
            self.version, self.time = int(fields[0]), fields[1].decode(errors="replace")
        return True

    @property
    def zone_name(self) -> str:
        """What TWS calls its zone; "" where it does not say."""
        return self.time.split(" ", 2)[2].strip() if self.time.count(" ") >= 2 else ""

    def zone(self, now: datetime) -> str | None:
        """The zone of TWS's own times; `now` is the time in UTC when it greeted, within minutes. None where it cannot be told."""
        known = ZONES.get(self.zone_name)
        try:
            said = datetime.strptime(self.time[:17], "%Y%m%d %H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            return known
        return _agreeing(known, said, now) or _by_offset(said - now)


def _agreeing(zone: str | None, said: datetime, now: datetime) -> str | None:
    """The zone if its clocks show what TWS said: CST is China's as well as Chicago's."""
    from zoneinfo import ZoneInfo

    if zone is None:
        return None
    shown = now.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    return zone if abs(shown - said) < timedelta(minutes=8) else None


def _by_offset(ahead: timedelta) -> str | None:
    minutes = round(ahead / timedelta(minutes=15)) * 15
    if minutes % 60:
        return STEPS.get(minutes)
    return f"Etc/GMT{-minutes // 60:+d}" if -12 * 60 <= minutes <= 14 * 60 else None
