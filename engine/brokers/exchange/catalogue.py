"""Which exchanges there are, and what each needs to be asked shortly and to be understood exactly: one row an exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Permission:
    """How a key tells what it may do: the library's `method`, and whether its answer allows withdrawals (None: not told)."""

    method: str
    withdraws: Callable[[Any], bool | None]


@dataclass(frozen=True, slots=True)
class Profile:
    """An exchange. `options` keep its start small: spot markets only, nothing signed to list them.

    `rows` is where in the raw answers to balance, orders, trades and bars the rows stand, so that an answer without them is
    never taken for an empty account. `moved_streams` are the paths of streams at another address than the exchange's own.
    Without `signs_by_time` the number in a signature must only ever grow, whatever the clocks say.
    With `rows_are_coins` each row of a balance is a coin, so that rows without coins were not understood.
    """

    id: str
    name: str
    is_supported: bool = True
    has_sandbox: bool | None = None
    sandbox_header: str = ""
    signs_by_time: bool = True
    rows_are_coins: bool = False
    options: Options = field(default_factory=dict)
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    moved_streams: Mapping[str, str] = field(default_factory=dict)
    permission: Permission | None = None


def _binance_withdraws(answer: Any) -> bool | None:
    return _flag(answer, "enableWithdrawals")


def _okx_withdraws(answer: Any) -> bool | None:
    told = _at(answer, "data")
    words = told[0].get("perm") if isinstance(told, list) and told and isinstance(told[0], dict) else None
    return "withdraw" in words.split(",") if isinstance(words, str) else None


def _bybit_withdraws(answer: Any) -> bool | None:
    words = _at(answer, "result", "permissions", "Wallet")
    return "Withdraw" in words if isinstance(words, list) else None


def _coinbase_withdraws(answer: Any) -> bool | None:
    return _flag(answer, "can_transfer")


def _flag(answer: Any, name: str) -> bool | None:
    told = _at(answer, name)
    return told if isinstance(told, bool) else None


def _at(answer: Any, *path: str) -> Any:
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer


def rows_at(answer: Any, path: tuple[str, ...]) -> Any:
    """What stands at the path of a raw answer; None where it does not lead anywhere."""
    return _at(answer, *path)


_ANSWERS = ("balance", "orders", "trades", "bars")

PROFILES: Mapping[str, Profile] = {
    profile.id: profile
    for profile in (
        Profile(
            "binance",
            "Binance spot",
            rows_are_coins=True,
            has_sandbox=True,
            options={
                "defaultType": "spot",
                "fetchMarkets": {"types": ["spot"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
                "warnOnFetchOpenOrdersWithoutSymbol": False,
            },
            rows={"balance": ("balances",), "orders": (), "trades": (), "bars": ()},
            moved_streams={"/ws": "/stream/ws"},
            permission=Permission("sapi_get_account_apirestrictions", _binance_withdraws),
        ),
        Profile(
            "kraken",
            "Kraken",
            has_sandbox=False,
            signs_by_time=False,
            rows={"balance": ("result",), "orders": ("result", "open"), "trades": ("result", "trades"), "bars": ("result",)},
        ),
        Profile(
            "okx",
            "OKX",
            has_sandbox=True,
            sandbox_header="x-simulated-trading",
            options={"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
            rows=dict.fromkeys(_ANSWERS, ("data",)),
            permission=Permission("private_get_account_config", _okx_withdraws),
        ),
        Profile(
            "bybit",
            "Bybit",
            has_sandbox=True,
            options={"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
            rows=dict.fromkeys(_ANSWERS, ("result", "list")),
            permission=Permission("private_get_v5_user_query_api", _bybit_withdraws),
        ),
        Profile(
            "coinbase",
            "Coinbase",
            has_sandbox=False,
            rows_are_coins=True,
            options={"fetchBalance": "v3PrivateGetBrokerageAccounts"},
            rows={"balance": ("accounts",), "orders": ("orders",), "trades": ("fills",), "bars": ("candles",)},
            permission=Permission("v3_private_get_brokerage_key_permissions", _coinbase_withdraws),
        ),
    )
}
"""The exchanges that are supported, by ccxt's id."""

SIGNS_ON_LOAD = ("approve_builder_fee", "handle_builder_fee_approval", "set_ref", "initialize_client")
"""What the library's classes have that sign and send something of the library's own before they are asked to do anything."""


def profile_of(broker: str) -> Profile:
    """The exchange of that id; one that is not listed is untested."""
    name = broker.lower()
    return PROFILES.get(name) or Profile(name, name, is_supported=False)
