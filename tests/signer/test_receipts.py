"""What a relay says became of signed items: claims that move nothing."""

import msgspec
import pytest

from airgap_shared.documents import Receipt, ReceiptItem, Sealed
from airgap_shared.errors import RefusalError
from airgap_signer import receipts
from tests.signer.world import payment
from tests.simulators.relay_side import tatum_id
from tests.vectors.authors import NOON, digest


def receipt(vault, *items, number=1, **fields):
    values = {
        "relay": vault.relay.fingerprint,
        "signer": vault.public.fingerprint(),
        "number": number,
        "created": NOON,
        "items": tuple(items),
    }
    return Receipt(**values | fields)


def refused(vault, document):
    try:
        receipts.check(document, vault.public, vault.history)
    except RefusalError as error:
        return error.code
    return ""


def test_a_receipt_names_its_signer(vault):
    assert refused(vault, receipt(vault)) == ""
    assert refused(vault, receipt(vault, signer=digest("x"))) == "refusal.recipient"


@pytest.mark.parametrize(
    ("number", "code"), [(4, "refusal.replay"), (5, "refusal.replay"), (6, "")]
)
def test_its_number_grows(vault, number, code):
    earlier = Sealed(
        receipt(vault, number=5), digest("earlier"), vault.relay.author.key
    )
    text = msgspec.json.encode(receipts.detail(earlier)).decode()
    vault.history.kept.append(("receipt", text))
    assert refused(vault, receipt(vault, number=number)) == code
    other = receipt(vault, number=number, relay=digest("another relay"))
    assert refused(vault, other) == ""


def test_claims_stand_beside_what_was_signed_here(vault):
    (answer,) = vault.sign(payment(vault.relay, "one"))
    items = (
        ReceiptItem(id=answer.id, state="COMPLETED", tx_id=answer.tx_id),
        ReceiptItem(id=answer.id, state="COMPLETED", tx_id=digest("another")),
        ReceiptItem(id=tatum_id("unknown"), state="COMPLETED", tx_id=answer.tx_id),
        ReceiptItem(id=tatum_id("unknown"), state="REFUSED"),
    )
    known = vault.history.memory([item.id for item in items], [])
    claims = receipts.compare(receipt(vault, *items), known)
    assert [claim.matches for claim in claims] == [True, False, False, True]
    assert [claim.state for claim in claims] == ["COMPLETED"] * 3 + ["REFUSED"]
