"""Commands on the policy."""

import pytest

from tests.signer.world import HOT, p2pkh, payment
from tests.simulators.relay_side import SOMEBODY, coin, key_of


@pytest.fixture
def put(signer, tmp_path):
    """Put a policy file in force."""

    def put(text):
        path = tmp_path / "policy.toml"
        path.write_text(text)
        return signer("policy", "set", path)

    return put


def test_without_a_file_the_default_caution_is_shown(signer, run, home):
    assert signer("policy", "show").json["version"] == 0
    shown = run("--home", home.path, "policy", "show")
    assert b"default caution" in shown.out
    sentences = signer("policy", "explain").json["sentences"]
    assert any("10 %" in sentence for sentence in sentences)


def test_a_file_in_force_is_shown_as_it_was_set(put, run, home):
    text = 'version = 2\nunproven_amounts = "allow"\n'
    assert put(text).json["version"] == 2
    shown = run("--home", home.path, "policy", "show")
    assert shown.out.decode() == text + "\n"


def test_it_decides_over_the_next_batch(put, signer, home, stick):
    claimed = coin("x", p2pkh("hot"), proof="claim")
    item = home.relay.item("x", [claimed], [(SOMEBODY, 99_000)], [key_of(HOT)])
    stick.put(item)
    (refused,) = signer("review", stick.path).json["items"]
    assert refused["error"]["code"] == "refusal.policy.unproven_amounts"
    put('version = 1\nunproven_amounts = "allow"\n')
    (fine,) = signer("review", stick.path).json["items"]
    assert fine["outcome"] == "would-sign"
    done = signer("sign", stick.path, "-o", stick.signed, "--confirm", stick.code)
    assert done.json["signed"] == 1


def test_a_version_that_does_not_grow_is_refused(put, home):
    put("version = 3")
    before = home.state()
    for version in (3, 2):
        done = put(f'version = {version}\nunproven_amounts = "allow"')
        assert (done.status, done.error["code"]) == (3, "refusal.policy.version")
    assert home.state() == before


@pytest.mark.parametrize("text", ["version = 1.5", "nonsense", "version = 1\nx = 2"])
def test_a_file_that_is_no_policy_changes_nothing(put, home, text):
    before = home.state()
    done = put(text)
    assert (done.status, done.error["code"]) == (4, "contract.policy")
    assert home.state() == before


def test_a_policy_may_ask_for_a_terminal(put, signer, home, stick):
    put('version = 1\nconfirm = "terminal"\n')
    stick.put(payment(home.relay))
    done = signer("sign", stick.path, "-o", stick.signed, "--confirm", stick.code)
    assert (done.status, done.error["code"]) == (3, "refusal.policy.confirm")
    assert not stick.signed.exists()
