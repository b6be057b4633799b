"""Transactions for property tests."""

from hypothesis import strategies as st

from airgap_shared import secp256k1
from airgap_shared.formats.bitcoin.transaction import (
    MAX_MONEY,
    Input,
    OutPoint,
    Output,
    Transaction,
)

uint32 = st.integers(0, 2**32 - 1)
amounts = st.integers(0, MAX_MONEY)
scripts = st.binary(max_size=80)
out_points = st.builds(
    OutPoint, st.binary(min_size=32, max_size=32).map(bytes.hex), uint32
)
outputs = st.builds(Output, amounts, scripts)
witnesses = st.lists(st.binary(max_size=80), max_size=4).map(tuple)
inputs = st.builds(Input, out_points, uint32, scripts, witnesses)
bare_inputs = st.builds(Input, out_points, uint32)


def _transactions(spent):
    return st.builds(
        Transaction,
        uint32,
        st.lists(spent, min_size=1, max_size=4).map(tuple),
        st.lists(outputs, min_size=1, max_size=4).map(tuple),
        uint32,
    )


transactions = _transactions(inputs)
"""Anything that the wire can carry."""
unsigned_transactions = _transactions(bare_inputs)
"""As a relay prepares them."""

secrets = st.integers(1, secp256k1.ORDER - 1).map(lambda n: n.to_bytes(32, "big"))
"""Private keys."""
