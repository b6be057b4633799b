"""Commands on wallet entries."""

import json
import uuid

import pytest

from airgap_signer import keys
from tests.signer.cli.pseudo import at_terminal, without_terminal
from tests.signer.world import (
    HOT,
    LEGAL,
    MNEMONIC,
    PASSWORD,
    WALLET,
    key_entry,
    wallet_entry,
    wif,
)

XPUB = wallet_entry(WALLET).xpub


def at_home(home, *arguments, answers):
    return at_terminal("--home", home.path, *arguments, answers=answers)


class TestGenerate:
    def test_generatewallet_prints_a_wallet_and_stores_nothing(self, run, tmp_path):
        home = tmp_path / "none"
        done = run("--home", home, "generatewallet", "BTC", "--testnet")
        made = done.json
        assert (done.status, set(made)) == (0, {"mnemonic", "xpub"})
        assert wallet_entry(WALLET, made["mnemonic"]).xpub == made["xpub"]
        assert len(made["mnemonic"].split()) == 24
        assert not home.exists()

    def test_generatemanagedwallet_stores_what_it_does_not_show(self, signer):
        made = signer("generatemanagedwallet", "btc", "--testnet").json
        assert set(made) == {"signatureId", "xpub"}
        uuid.UUID(made["signatureId"])
        wallets = signer("report").json["wallets"]
        assert wallets[made["signatureId"]] == {
            "type": "mnemonic",
            "chain": "BTC",
            "testnet": True,
            "warnings": [],
        }

    @pytest.mark.parametrize("count", [1, 7])
    def test_a_batch_of_keys_is_one_line_each(self, signer, home, count):
        done = signer("generatemanagedprivatekeybatch", "BTC", count, "--testnet")
        lines = [json.loads(line) for line in done.out.splitlines()]
        assert (done.status, len(lines)) == (0, count)
        assert all(set(line) == {"signatureId", "address"} for line in lines)
        assert len({line["address"] for line in lines}) == count
        with home.open() as opened:
            secrets = opened.secrets().keys
            for line in lines:
                text = secrets[line["signatureId"]]
                entry = key_entry(line["signatureId"], text)
                assert entry.address == line["address"]
        written = home.storage.stat().st_size
        assert written

    @pytest.mark.parametrize("count", ["0", "25001", "x"])
    def test_a_count_out_of_range_is_a_slip(self, signer, count):
        done = signer("generatemanagedprivatekeybatch", "BTC", count)
        assert (done.status, done.error["code"]) == (2, "usage")

    @pytest.mark.parametrize("chain", ["DASH", "", "BTCX"])
    def test_an_unknown_chain_is_a_slip(self, signer, chain):
        for name in ("generatewallet", "generatemanagedwallet"):
            done = signer(name, chain)
            assert (done.status, done.error["code"]) == (2, "usage.chain")


class TestStore:
    def test_a_private_key_typed_at_a_hidden_prompt_is_stored(self, home):
        typed = wif("typed")
        seen = at_home(
            home,
            "storemanagedprivatekey",
            "BTC",
            "--testnet",
            answers=[(r"password of .*: ", PASSWORD.decode()), (r"not shown", typed)],
        )
        assert seen.status == 0
        assert typed not in seen.screen
        assert PASSWORD.decode() not in seen.screen
        made = json.loads(seen.out)
        with home.open() as opened:
            assert opened.secrets().keys[made["signatureId"]] == typed

    def test_a_mnemonic_typed_at_a_hidden_prompt_is_stored(self, home):
        seen = at_home(
            home,
            "storemanagedwallet",
            "BTC",
            "--testnet",
            "--password-file",
            home.password_file,
            answers=[(r"mnemonic \(not shown\)", LEGAL.replace(" ", "  "))],
        )
        made = json.loads(seen.out)
        assert made["xpub"] == wallet_entry(WALLET, LEGAL).xpub
        assert "winner" not in seen.screen

    @pytest.mark.parametrize(
        ("name", "typed"),
        [
            ("storemanagedprivatekey", wif("hot", "mainnet")),
            ("storemanagedwallet", MNEMONIC.replace("junk", "jump")),
        ],
    )
    def test_a_mistyped_secret_is_refused_and_not_repeated(self, home, name, typed):
        before = home.state()
        seen = at_home(
            home,
            name,
            "BTC",
            "--testnet",
            "--password-file",
            home.password_file,
            answers=[(r"not shown", typed)],
        )
        assert seen.status == 5
        assert typed not in seen.screen
        assert home.state() == before

    def test_the_same_key_on_another_network_is_refused(self, home):
        seen = at_home(
            home,
            "storemanagedprivatekey",
            "BTC",
            "--password-file",
            home.password_file,
            answers=[(r"not shown", wif("hot", "mainnet"))],
        )
        assert seen.status == 5
        assert "stored for BTC testnet already" in seen.screen

    @pytest.mark.parametrize("name", ["storemanagedprivatekey", "storemanagedwallet"])
    def test_without_a_terminal_no_secret_is_taken(self, signer, name):
        done = signer(name, "BTC", "--testnet")
        assert (done.status, done.error["code"]) == (2, "usage.terminal")

    def test_nothing_typed_is_a_refusal(self, home):
        seen = at_home(
            home,
            "storemanagedprivatekey",
            "BTC",
            "--password-file",
            home.password_file,
            answers=[(r"not shown", "\x04")],
        )
        assert seen.status in (3, 5)


class TestAddress:
    def test_a_mnemonics_address_moves_what_counts_as_exported(self, signer, home):
        assert signer("getaddress", WALLET, 7).json == {
            "address": "tb1qpr49ltmgphvzv2x8vwwd2pp5pm284wzgypu8xa"
        }
        with home.open() as opened:
            assert opened.public.entry(WALLET).highest == 7
        signer("getaddress", WALLET, 0)
        with home.open() as opened:
            assert opened.public.entry(WALLET).highest == 7

    def test_a_private_keys_address_is_its_own(self, signer):
        expected = {"address": key_entry(HOT, wif("hot")).address}
        assert signer("getaddress", HOT, 0).json == expected

    @pytest.mark.parametrize("index", ["-1", "2147483648", "x"])
    def test_an_index_out_of_range_is_a_slip(self, signer, index):
        assert signer("getaddress", WALLET, index).status == 2

    def test_an_entry_that_is_not_there_is_named(self, signer):
        done = signer("getaddress", "33333333-2222-4333-8444-555555555555", 0)
        assert (done.status, done.error["code"]) == (5, "storage.no_entry")


class TestPrivateKey:
    def confirmed(self, signer, *arguments):
        first = signer(*arguments)
        assert (first.status, first.error["code"]) == (
            3,
            "refusal.confirmation_required",
        )
        code = first.error["confirm"]
        assert f"airgap-signer: confirm: {code}\n" in first.err
        return signer(*arguments, "--confirm", code)

    def test_a_private_key_is_shown_after_confirmation_and_marked(self, signer):
        height = signer("report").json["system"]["journal"]
        done = self.confirmed(signer, "getprivatekey", WALLET, 7)
        assert done.json == {
            "privateKey": "cPQ2BujZ1B3MZNq3ogyQnRPU29ZpLUBpfWAS1rqyp4Mv2GVpjWAb"
        }
        assert "whole wallet" in done.err
        report = signer("report").json
        assert report["wallets"][WALLET]["warnings"] == [
            "a private key of it was shown"
        ]
        assert report["system"]["journal"] == height + 1

    def test_a_stored_private_key_is_itself(self, signer):
        done = self.confirmed(signer, "getprivatekey", HOT, 0)
        assert done.json == {"privateKey": wif("hot")}

    def test_without_or_with_a_wrong_confirmation_nothing_changes(self, signer, home):
        before = home.state()
        signer("getprivatekey", WALLET, 0)
        wrong = signer("getprivatekey", WALLET, 0, "--confirm", "0000-0000")
        assert (wrong.status, wrong.error["code"]) == (3, "refusal.confirmation_wrong")
        assert home.state() == before

    def test_each_key_has_a_code_of_its_own(self, signer):
        codes = {
            signer("getprivatekey", WALLET, index).error["confirm"]
            for index in range(3)
        }
        assert len(codes) == 3


def test_the_program_runs_as_a_process_of_its_own(home):
    done = without_terminal(
        "--home",
        home.path,
        "--password-file",
        home.password_file,
        "getaddress",
        HOT,
        "0",
    )
    assert done.status == 0
    assert json.loads(done.out) == {"address": key_entry(HOT, wif("hot")).address}


def test_fresh_mnemonics_differ(run):
    words = {run("generatewallet", "BTC").json["mnemonic"] for _ in range(3)}
    assert len(words) == 3
    assert all(keys.check_mnemonic(each) == each for each in words)
