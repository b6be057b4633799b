"""Commands that show whole entries or take them away."""

import pytest

from airgap_signer import storage
from tests.signer.world import COLD, HOT, MNEMONIC, SPARE, WALLET, wallet_entry, wif

HOT_AS_EXPORTED = {"privateKey": wif("hot"), "chain": "BTC", "testnet": True}
WALLET_AS_EXPORTED = {
    "mnemonic": MNEMONIC,
    "xpub": wallet_entry(WALLET).xpub,
    "chain": "BTC",
    "testnet": True,
}


@pytest.fixture
def confirmed(signer):
    """Run a command twice: for its code, and with it."""

    def confirmed(*arguments):
        first = signer(*arguments)
        assert first.error["code"] == "refusal.confirmation_required"
        return signer(*arguments, "--confirm", first.error["confirm"])

    return confirmed


def test_one_entry_is_shown_as_tatum_exports_it(confirmed, signer):
    assert confirmed("getmanagedwallet", HOT).json == HOT_AS_EXPORTED
    assert confirmed("getmanagedwallet", WALLET).json == WALLET_AS_EXPORTED
    wallets = signer("report").json["wallets"]
    assert wallets[HOT]["warnings"]
    assert not wallets[COLD]["warnings"]


def test_all_entries_are_shown_but_the_retired(confirmed, signer):
    confirmed("removewallet", COLD)
    shown = confirmed("export").json
    assert set(shown) == {HOT, SPARE, WALLET}
    assert (shown[HOT], shown[WALLET]) == (HOT_AS_EXPORTED, WALLET_AS_EXPORTED)
    report = signer("report").json["wallets"]
    assert all(report[each]["warnings"] for each in shown)


@pytest.mark.parametrize(
    "arguments",
    [("getmanagedwallet", HOT), ("export",), ("removewallet", HOT)],
    ids=lambda each: each[0],
)
def test_without_a_confirmation_nothing_is_shown_or_changed(signer, home, arguments):
    before = home.state()
    done = signer(*arguments)
    assert (done.status, done.error["code"]) == (3, "refusal.confirmation_required")
    assert wif("hot").encode() not in done.out
    assert home.state() == before


def test_a_removed_entry_signs_no_more_but_is_kept_until_purged(
    confirmed, signer, home
):
    confirmed("removewallet", HOT)
    assert signer("getaddress", HOT, 0).error["code"] == "storage.no_entry"
    with home.open() as opened:
        assert HOT in opened.secrets().keys
    assert confirmed("purge").json == {"purged": [HOT]}
    with home.open() as opened:
        assert HOT not in opened.secrets().keys
        assert HOT not in opened.public.entries
    for older in ("1", "2"):
        assert not storage.beside(home.storage, older).exists()
    assert signer("purge").json == {"purged": []}


@pytest.mark.parametrize("name", ["getmanagedwallet", "removewallet"])
def test_an_entry_that_is_not_there_is_named(signer, name):
    done = signer(name, "33333333-2222-4333-8444-555555555555")
    assert (done.status, done.error["code"]) == (5, "storage.no_entry")


def test_a_code_for_one_thing_opens_no_other(signer):
    code = signer("getmanagedwallet", HOT).error["confirm"]
    done = signer("getmanagedwallet", SPARE, "--confirm", code)
    assert done.error["code"] == "refusal.confirmation_wrong"
    done = signer("removewallet", HOT, "--confirm", code)
    assert done.error["code"] == "refusal.confirmation_wrong"
