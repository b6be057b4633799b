"""Payments that Tatum is asked for."""

import pytest

from tests.relay.cli.shell import SIGNATURE_ID, TRANSFER


@pytest.mark.usefixtures("tatum")
def test_a_transfer_answers_the_pending_id(paired):
    assert paired(*TRANSFER) == {"id": "0" * 24}


@pytest.mark.usefixtures("tatum")
@pytest.mark.parametrize(
    ("place", "text", "code"),
    [
        (1, "XYZ", "usage.chain"),
        (3, "nothing", "usage.options"),
        (
            3,
            f"bc1qjesugmy5wq9jejy3zz0llsaynvndrauwtwj4yl={SIGNATURE_ID}",
            "usage.address",
        ),
        (
            3,
            f"tb1q6klf3cny45skpulz4kazm9dx9fd44usm635vdt={SIGNATURE_ID}:x",
            "usage.index",
        ),
        (5, "tb1qpr49ltmgphvzv2x8vwwd2pp5pm284wzgypu8xa=1e-3", "usage.amount"),
        (5, "tb1qpr49ltmgphvzv2x8vwwd2pp5pm284wzgypu8xa=0.000000001", "usage.amount"),
    ],
)
def test_a_transfer_that_cannot_be_meant_is_usage(paired, place, text, code):
    arguments = list(TRANSFER)
    arguments[place] = text
    assert paired(*arguments, status=2)["error"]["code"] == code


@pytest.mark.usefixtures("tatum")
def test_fee_and_change_belong_together(paired):
    found = paired(*TRANSFER, "--fee", "0.0001", status=2)["error"]["code"]
    assert found == "usage.options"
