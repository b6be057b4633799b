"""The tables of the relay's journal.

``item.told`` is what the signer was last told of an item. ``version`` has one row for
each payload that was ever in a batch, ``coin`` what it spends, ``asked`` the batches
that it was in and how each was answered.
"""

from typing import Any

import sqlalchemy as sa

SCHEMA_VERSION = 2
"""Grows with every change of the tables below; see ``migration``."""

META = sa.MetaData()


def _key(name: str, kind: type[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String, nullable=False, default="") for name in names]


def _bytes(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(n, sa.LargeBinary, nullable=False, default=b"") for n in names]


def _numbers(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


SETTING = sa.Table("setting", META, _key("name", sa.String), *_bytes("value"))
PEER = sa.Table(
    "peer", META, _key("role", sa.String), *_texts("key", "fingerprint", "name")
)
MANIFEST = sa.Table(
    "manifest",
    META,
    _key("number", sa.BigInteger),
    *_texts("fingerprint"),
    *_bytes("document"),
)
HEAD = sa.Table(
    "head", META, _key("height", sa.BigInteger), *_texts("head", "signature")
)
BATCH = sa.Table(
    "batch",
    META,
    _key("id", sa.String),
    sa.Column("sequence", sa.BigInteger, nullable=False, unique=True),
    *_numbers("created", "expires"),
    *_texts("fingerprint"),
    *_bytes("document"),
    sa.Column("answered", sa.BigInteger),
)
ITEM = sa.Table(
    "item",
    META,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("state", sa.String, nullable=False, index=True),
    *_texts("chain", "network", "source", "withdrawal_id", "batch", "tx_id"),
    *_texts("replaces", "error_code", "error_message", "told"),
    *_bytes("pending", "payload", "keys", "signed"),
    sa.Column("error_reported", sa.Boolean, nullable=False, default=False),
    sa.Column("version", sa.BigInteger, nullable=False, default=0),
    *_numbers("created", "updated"),
)
VERSION = sa.Table(
    "version",
    META,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("item", sa.String, nullable=False, index=True),
    *_texts("replaces", "tx_id"),
    *_bytes("payload", "keys", "signed"),
    sa.Column("is_sent", sa.Boolean, nullable=False, default=False),
    *_numbers("created"),
)
COIN = sa.Table(
    "coin",
    META,
    _key("version", sa.BigInteger),
    sa.Column("reference", sa.String, primary_key=True, index=True),
)
ASKED = sa.Table(
    "asked",
    META,
    _key("batch", sa.String),
    sa.Column("item", sa.String, primary_key=True, index=True),
    *_numbers("version"),
    *_texts("outcome"),
)
RECEIPT = sa.Table("receipt", META, _key("number", sa.BigInteger), *_bytes("document"))
HISTORY = sa.Table(
    "history",
    META,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("item", sa.String, nullable=False, index=True),
    *_texts("state"),
    *_numbers("at"),
)
