"""The three kinds of trouble: the user can mend it, the world broke it, or we did."""

from __future__ import annotations


class NiceGoldError(Exception):
    """Base of every error this program raises on purpose."""


class UserError(NiceGoldError):
    """Something the user gave cannot be used. `str()` is one sentence: what, where, what to do. Exit code 2."""


class ConfigError(UserError):
    """A configuration value is unknown, of the wrong type or out of range; the sentence names its path."""


class DataError(UserError):
    """A market data file cannot be what it claims to be."""


class StoreError(NiceGoldError):
    """The database did not take or give what was asked of it; nothing was half written."""


class BrokerError(NiceGoldError):
    """A broker or its link failed; the adapter maps foreign exceptions to this, `raise ... from` their cause."""


class NotAdmitted(BrokerError):
    """The venue will not have us as things are: another kind of account, a client id in use. Trying again changes nothing."""


class FeedError(NiceGoldError):
    """Market data stopped, or came in a state that must not be traded on."""


class ModelError(NiceGoldError):
    """A model file does not match its manifest, or cannot be served with the features at hand."""


class EngineStopped(NiceGoldError):
    """The engine's thread has ended, or is about to; what was asked of it is not done."""
