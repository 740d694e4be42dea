"""The credentials of an account at an exchange: made to be handed on, never to be shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class ApiKey:
    """A key and its secret; `password` where the exchange wants a third word (OKX). `is_for_tests`: no real money behind it."""

    key: str
    secret: str
    password: str = ""
    is_for_tests: bool = False

    def __repr__(self) -> str:
        return "ApiKey(***)"
