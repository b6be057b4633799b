"""The command that brings a custodian over from Tatum KMS."""

import json
import os

import pytest

from tests.signer.test_tatum_wallet import wallet_dat
from tests.signer.world import COLD, HOT, MNEMONIC, SPARE, WALLET, wallet_entry, wif

PASSWORD = b"tatum password"
KEY = {"privateKey": wif("hot"), "chain": "BTC", "testnet": True}
WORDS = {
    "mnemonic": MNEMONIC,
    "xpub": wallet_entry(WALLET).xpub,
    "chain": "BTC",
    "testnet": True,
}
NEW = "44444444-2222-4333-8444-555555555555"
OTHER = "55555555-2222-4333-8444-555555555555"


@pytest.fixture
def brought(signer, tmp_path):
    """Run the import on a file with these entries."""
    secret = tmp_path / "tatum-password"
    secret.write_bytes(PASSWORD + b"\n")
    os.chmod(secret, 0o600)
    file = tmp_path / "wallet.dat"

    def brought(entries, password=PASSWORD):
        file.write_bytes(wallet_dat(json.dumps(entries).encode(), password))
        return signer("import-tatum", file, "--tatum-password-file", secret)

    return brought


def ids(rows):
    return {name: [row["signatureId"] for row in group] for name, group in rows.items()}


def test_every_entry_is_taken_known_kept_or_refused_by_name(brought, home):
    entries = {
        NEW: {**WORDS, "mnemonic": WORDS["mnemonic"]},
        HOT: {**KEY, "privateKey": wif("hot")},
        OTHER: {"privateKey": "x", "chain": "SOL", "testnet": False},
        COLD: {**KEY, "privateKey": wif("thief")},
        "66666666-2222-4333-8444-555555555555": {**KEY, "privateKey": "x"},
    }
    done = brought(entries)
    assert done.status == 0
    rows = done.json
    assert ids(rows) == {
        "taken": [NEW],
        "kept": [OTHER],
        "known": [HOT],
        "refused": [COLD, "66666666-2222-4333-8444-555555555555"],
    }
    assert [row["code"] for row in rows["refused"]] == [
        "storage.tatum.differs",
        "storage.bad_key",
    ]
    with home.open() as opened:
        assert opened.secrets().keys[COLD] == wif("cold")
        assert opened.secrets().keys[NEW] == WORDS["mnemonic"]
    again = brought(entries)
    assert again.json["taken"] == []


def test_a_wrong_password_changes_nothing(brought, home):
    before = home.state()
    done = brought({NEW: KEY}, b"another")
    assert (done.status, done.error["code"]) == (5, "storage.tatum.password")
    assert home.state() == before


def test_what_is_kept_signs_nothing_and_is_not_in_the_manifest(
    brought, signer, tmp_path
):
    brought({OTHER: {"privateKey": "x", "chain": "SOL", "testnet": False}})
    report = signer("report").json["wallets"][OTHER]
    assert report["warnings"]
    assert signer("getaddress", OTHER, 0).status != 0
    path = tmp_path / "manifest"
    signer("manifest", "-o", path)
    assert OTHER not in path.read_text()


def test_a_key_of_two_networks_is_refused_within_one_file(brought):
    mainnet = {**KEY, "privateKey": wif("new", "mainnet"), "testnet": False}
    done = brought({NEW: mainnet, OTHER: {**KEY, "privateKey": wif("new")}})
    assert ids(done.json)["refused"] == [OTHER]
    assert done.json["refused"][0]["code"] == "storage.key_reused"


def test_no_secret_is_printed(brought):
    done = brought({NEW: WORDS, SPARE: {**KEY, "privateKey": wif("spare")}})
    for secret in (wif("spare"), WORDS["mnemonic"], PASSWORD.decode()):
        assert secret.encode() not in done.out
        assert secret not in done.err
