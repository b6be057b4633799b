"""Tatum's pending transaction as a value."""

import json
from typing import Any

import pytest

from airgap_relay.chains.base import Derived, decode_pending, require_size
from airgap_shared.errors import ContractError
from airgap_shared.limits import MAX_ITEM_BYTES

GOOD: dict[str, Any] = {
    "id": "5f3a0c0de1b2c3d4e5f60718",
    "chain": "BTC",
    "serializedTransaction": "{}",
    "hashes": ["742aad14-affc-4e95-a274-f8fb8ec486a3"],
    "signatures": [{"id": "742aad14-affc-4e95-a274-f8fb8ec486a3", "index": 3}],
    "index": None,
    "withdrawalId": None,
    "withdrawalResponses": None,
}


def test_optional_fields_may_come_and_go():
    bare = {name: GOOD[name] for name in ("id", "chain", "serializedTransaction")}
    assert decode_pending(json.dumps(bare).encode()).hashes is None
    more = GOOD | {"somethingNew": {"a": [1]}}
    assert decode_pending(json.dumps(more).encode()).signatures == (
        Derived(GOOD["hashes"][0], 3),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"id": "5F3A0C0DE1B2C3D4E5F60718"},
        {"id": "../../../etc"},
        {"id": 7},
        {"chain": "bitcoin"},
        {"chain": None},
        {"serializedTransaction": None},
        {"serializedTransaction": {}},
        {"hashes": "742aad14"},
        {"hashes": [1]},
        {"signatures": [{"id": "a", "index": -1}]},
        {"signatures": [{"id": "a", "index": 2**31}]},
        {"signatures": [{"id": "a", "index": 1.5}]},
        {"signatures": [{"id": "a", "index": "1"}]},
        {"signatures": [{"index": 1}]},
        {"withdrawalId": 3},
    ],
)
def test_what_cannot_be_meant_is_refused(change):
    with pytest.raises(ContractError) as caught:
        decode_pending(json.dumps(GOOD | change).encode())
    assert caught.value.code == "contract.tatum.malformed"


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(raw):
    with pytest.raises(ContractError) as caught:
        decode_pending(raw)
    assert caught.value.code == "contract.tatum.malformed"


def test_a_payload_that_fits_in_no_batch_is_refused():
    assert require_size(b"x") == b"x"
    with pytest.raises(ContractError) as caught:
        require_size(bytes(MAX_ITEM_BYTES + 1))
    assert caught.value.code == "contract.tatum.too_large"
