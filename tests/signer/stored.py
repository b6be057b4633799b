"""What the tests of the storage file store, and whether it opens again."""

from airgap_shared.errors import StorageError
from airgap_signer import storage
from airgap_signer.wallet import Secret
from tests.signer.world import HOT, PASSWORD, SEED, Vault, wif

PUBLIC = Vault().public
SECRET = Secret(SEED, {HOT: wif("hot")})


def refused(path, password=PASSWORD):
    """Return why a storage does not open; empty when it does, secrets included."""
    try:
        storage.expose(storage.open_(path, password), Secret)
    except StorageError as error:
        return error.code
    return ""
