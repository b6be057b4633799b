"""What happens on a relay's first day."""

import json

import pytest


def test_init_answers_the_identity_and_refuses_a_second_time(shell):
    told = shell("init", "--network", "testnet")
    assert shell("identity") == {
        "role": "relay",
        "fingerprint": told["fingerprint"],
        "code": told["code"],
    }
    assert len(told["code"]) == 24
    assert shell("init", status=2)["error"]["code"] == "usage.initialised"


def test_init_keeps_the_address_it_is_given(shell):
    shell("init", "--api-url", "http://127.0.0.1:1234")
    told = json.loads((shell.home / "config.json").read_text())
    assert told["apiUrl"] == "http://127.0.0.1:1234"
    assert told["network"] == "mainnet"


@pytest.mark.parametrize(
    "command",
    [
        ("identity",),
        ("poll",),
        ("broadcast",),
        ("run",),
        ("status",),
        ("show", "0" * 24),
        ("export", "-o", "never-written"),
    ],
)
def test_a_home_that_is_not_there_is_usage(shell, command):
    assert shell(*command, status=2)["error"]["code"] == "usage.not_initialised"
    assert not shell.home.exists()


def test_a_missing_journal_is_8(paired):
    (paired.home / "journal.db").unlink()
    assert paired("status", status=8)["error"]["code"] == "journal.missing"


def test_pairing_shows_the_code_and_changes_nothing_without_it(shell, signer, tmp_path):
    shell("init", "--network", "testnet")
    path = tmp_path / "signer.json"
    path.write_bytes(signer.identity_file())
    asked = shell("pair", str(path), status=3)["error"]
    assert asked["code"] == "refusal.confirmation_required"
    assert shell.error.count(asked["confirm"]) >= 2
    wrong = shell("pair", str(path), "--confirm", "0000-0000-0000-0000-0000", status=3)
    assert wrong["error"]["code"] == "refusal.confirmation_wrong"
    assert shell("manifest", str(path), status=2)["error"]["code"] == "usage.not_paired"
    told = shell("pair", str(path), "--confirm", asked["confirm"])
    assert told["fingerprint"] == signer.fingerprint
