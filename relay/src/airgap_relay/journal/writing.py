"""The steps that durable transactions are made of."""

from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa

from airgap_relay.batching import Batch
from airgap_relay.journal.rows import encode_keys
from airgap_relay.journal.tables import ASKED, COIN, HEAD, HISTORY, ITEM, VERSION
from airgap_relay.lifecycle import Change, Event, Export, Outcome, State, advance
from airgap_shared.documents import Head
from airgap_shared.errors import JournalError

SENDS = frozenset({Event.SEND, Event.FALL_BACK})
"""Events after which the current version may reach the network."""


def apply(connection: sa.Connection, changes: Sequence[Change], at: int) -> None:
    """Make all ``changes``; raises ``journal.conflict``."""
    reached = []
    for change in changes:
        new = advance(change.old, *change.events)
        done = connection.execute(
            sa.update(ITEM)
            .where(ITEM.c.id == change.id, ITEM.c.state == change.old.value)
            .values(state=new.value, updated=at, **change.values)
        )
        if done.rowcount != 1:
            raise JournalError(
                "journal.conflict",
                f"transaction {change.id} is no longer {change.old.value}",
                "another process is at work on this journal; try again",
            )
        if not SENDS.isdisjoint(change.events):
            _mark_sent(connection, change.id)
        if change.events:
            reached.append((change.id, new))
    note(connection, reached, at)


def _mark_sent(connection: sa.Connection, id_: str) -> None:
    current = sa.select(ITEM.c.version).where(ITEM.c.id == id_).scalar_subquery()
    update = sa.update(VERSION).where(VERSION.c.number == current)
    connection.execute(update.values(is_sent=True))


def freeze(connection: sa.Connection, export: Export, batch: Batch) -> int:
    """Keep a payload that now goes into its first batch; return its number."""
    item = export.item
    row = {
        "item": item.id,
        "replaces": export.replaces,
        "payload": item.payload,
        "keys": encode_keys(item.keys),
        "created": batch.created,
    }
    done = connection.execute(sa.insert(VERSION).values(**row))
    assert done.inserted_primary_key is not None
    number = int(done.inserted_primary_key[0])
    coins = [{"version": number, "reference": coin} for coin in sorted(export.coins)]
    connection.execute(sa.insert(COIN), coins)
    return number


def note_outcome(connection: sa.Connection, batch: str, outcome: Outcome) -> None:
    """Keep how a batch was answered, and signed bytes beside what they sign.

    What was signed once is never noted as refused: its bytes exist.
    """
    row = sa.and_(ASKED.c.batch == batch, ASKED.c.item == outcome.item)
    update = sa.update(ASKED).where(row, ASKED.c.outcome != "signed")
    connection.execute(update.values(outcome=outcome.word))
    if not outcome.signed:
        return
    version = sa.select(ASKED.c.version).where(row).scalar_subquery()
    connection.execute(
        sa.update(VERSION)
        .where(VERSION.c.number == version, VERSION.c.tx_id == "")
        .values(signed=outcome.signed, tx_id=outcome.tx_id)
    )


def note(
    connection: sa.Connection, reached: Sequence[tuple[str, State]], at: int
) -> None:
    """Keep which states were reached, and when."""
    rows = [{"item": id_, "state": state.value, "at": at} for id_, state in reached]
    if rows:
        connection.execute(sa.insert(HISTORY), rows)


def add_heads(connection: sa.Connection, heads: Mapping[int, Head]) -> None:
    """Store ``heads``; one known already keeps its place, and gains a signature."""
    for height, head in heads.items():
        query = sa.select(HEAD.c.head).where(HEAD.c.height == height)
        known = connection.execute(query).scalar_one_or_none()
        if known is None:
            connection.execute(sa.insert(HEAD), [msgspec.to_builtins(head)])
        elif head.signature:
            statement = sa.update(HEAD).where(HEAD.c.height == height)
            connection.execute(statement.values(signature=head.signature))
