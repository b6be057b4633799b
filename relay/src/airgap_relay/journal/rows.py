"""Rows of the tables <-> values."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from airgap_relay.journal.tables import ITEM
from airgap_relay.lifecycle import Item, State, Version
from airgap_shared.documents import KeyReference

_Keys = tuple[KeyReference, ...]


def find_row(connection: sa.Connection, id_: str) -> sa.RowMapping | None:
    """Return the row of an item."""
    query = sa.select(ITEM).where(ITEM.c.id == id_)
    return connection.execute(query).mappings().one_or_none()


def with_state(row: sa.RowMapping) -> dict[str, Any]:
    """Return ``row`` with its state as a value."""
    return dict(row) | {"state": State(row["state"])}


def item_of(row: sa.RowMapping) -> Item:
    """Return an item."""
    values = with_state(row)
    del values["number"], values["told"]
    return Item(**values | {"keys": _decode_keys(values["keys"])})


def version_of(row: sa.RowMapping) -> Version:
    """Return a version."""
    return Version(**dict(row) | {"keys": _decode_keys(row["keys"])})


def _decode_keys(data: bytes) -> _Keys:
    return msgspec.json.decode(data or b"[]", type=_Keys)


def encode_keys(keys: Sequence[KeyReference]) -> bytes:
    """Return ``keys`` as the journal stores them."""
    return msgspec.json.encode(keys)
