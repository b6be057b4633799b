"""How a journal of an earlier schema is brought up to date, in one transaction.

Version 1 knew one payload for each item. Version 2 keeps each payload that was ever
in a batch, what it spends, and how each batch was answered.
"""

import sqlalchemy as sa

from airgap_relay.journal.tables import (
    ASKED,
    BATCH,
    COIN,
    ITEM,
    RECEIPT,
    SETTING,
    VERSION,
)
from airgap_shared import envelope
from airgap_shared.documents import UnsignedBatch
from airgap_shared.formats import psbt

_SENT = ("BROADCASTING", "UNCERTAIN", "BROADCAST", "COMPLETED", "REJECTED")


def migrate(connection: sa.Connection, found: int) -> bool:
    """Bring schema ``found`` up to date; return whether that can be done at all."""
    if found != 1:
        return False
    for column in (ITEM.c.replaces, ITEM.c.told):
        _add_column(connection, column, "''")
    _add_column(connection, ITEM.c.version, "0")
    for table in (VERSION, COIN, ASKED, RECEIPT):
        table.create(connection)
    batches = sa.select(BATCH.c.id, BATCH.c.document, BATCH.c.answered)
    query = batches.order_by(BATCH.c.sequence)
    for batch in connection.execute(query).mappings().all():
        _take_over(connection, batch)
    connection.execute(
        sa.update(SETTING).where(SETTING.c.name == "schema").values(value=b"2")
    )
    return True


def _add_column(
    connection: sa.Connection, column: sa.Column[object], default: str
) -> None:
    kind = column.type.compile(connection.dialect)
    connection.exec_driver_sql(
        f"ALTER TABLE item ADD COLUMN {column.name} {kind} NOT NULL DEFAULT {default}"
    )


def _take_over(connection: sa.Connection, batch: sa.RowMapping) -> None:
    """Keep for every item of a batch what was asked and how it was answered."""
    frame = envelope.unframe(batch["document"], UnsignedBatch.TYPE)
    payload = bytes(frame.payload)
    document = envelope.decode_json(payload, UnsignedBatch, UnsignedBatch.TYPE)
    for asked in document.items:
        query = sa.select(ITEM).where(ITEM.c.id == asked.id)
        item = connection.execute(query).mappings().one()
        number = item["version"] or _freeze(connection, item)
        outcome = ""
        if batch["answered"] is not None:
            # Which of two batches was refused is not known; what was signed counts.
            outcome = "signed" if item["signed"] else "refused"
        row = {"batch": batch["id"], "item": asked.id, "version": number}
        connection.execute(sa.insert(ASKED), [row | {"outcome": outcome}])


def _freeze(connection: sa.Connection, item: sa.RowMapping) -> int:
    row = {name: item[name] for name in ("payload", "keys", "signed", "tx_id")}
    row |= {"item": item["id"], "is_sent": item["state"] in _SENT}
    done = connection.execute(sa.insert(VERSION).values(**row, created=item["updated"]))
    assert done.inserted_primary_key is not None
    number = int(done.inserted_primary_key[0])
    unsigned = psbt.decode(item["payload"]).unsigned
    coins = dict.fromkeys(str(spent.out_point) for spent in unsigned.inputs)
    rows = [{"version": number, "reference": coin} for coin in coins]
    connection.execute(sa.insert(COIN), rows)
    update = sa.update(ITEM).where(ITEM.c.id == item["id"])
    connection.execute(update.values(version=number))
    return number
