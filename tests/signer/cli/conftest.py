"""What the commands of the ceremony are driven with."""

import pytest

from airgap_shared import documents
from airgap_shared.documents import SignedBatch
from tests.signer import world
from tests.signer.world import code_of, payment


@pytest.fixture
def stick(home, tmp_path):
    """A USB stick: write a batch onto it, read the answer from it."""

    class Stick:
        signed = tmp_path / "signed.json"
        path = tmp_path / "batch.json"

        def put(self, *items, **fields):
            batch = home.relay.batch(*(items or [payment(home.relay)]), **fields)
            self.fingerprint = documents.fingerprint(batch)
            self.path.write_bytes(home.relay.file(batch))
            return self

        @property
        def code(self):
            return code_of(self.fingerprint)

        def answer(self):
            key = world.Vault().public.key
            return documents.unseal(
                self.signed.read_bytes(), SignedBatch, {key}
            ).document

    return Stick()
