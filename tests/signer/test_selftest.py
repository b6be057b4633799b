"""Known answers, asked of this very machine."""

import pytest

from airgap_shared.errors import SafetyError
from airgap_signer import selftest

NAMES = [name for name, _ in selftest.CHECKS]


def test_this_machine_knows_every_answer():
    selftest.run()
    assert all(check() for _, check in selftest.CHECKS)


@pytest.mark.parametrize("broken", NAMES)
def test_one_wrong_answer_stops_the_signer_and_is_named(monkeypatch, broken):
    checks = tuple(
        (name, check if name != broken else lambda: False)
        for name, check in selftest.CHECKS
    )
    monkeypatch.setattr(selftest, "CHECKS", checks)
    with pytest.raises(SafetyError) as caught:
        selftest.run()
    assert caught.value.code == "safety.self_test"
    assert broken in caught.value.message


class Forger:
    def sign(self, _message):
        return b"\x00" * 64


def wrong_signature(*_):
    return b"\x30\x06\x02\x01\x01\x02\x01\x01"


@pytest.mark.parametrize(
    ("name", "target", "replacement"),
    [
        ("ecdsa", "airgap_signer.keys.sign_ecdsa", wrong_signature),
        ("ecdsa", "airgap_shared.secp256k1.verify_ecdsa", lambda *_: False),
        ("ecdsa", "airgap_shared.secp256k1.verify_ecdsa", lambda *_: True),
        ("derivation", "airgap_signer.keys.child_secret", lambda *_: b"\x01" * 32),
        ("ed25519", "airgap_signer.keys.identity_key", lambda _: Forger()),
    ],
)
def test_a_machine_that_reckons_wrong_is_found(monkeypatch, name, target, replacement):
    monkeypatch.setattr(target, replacement)
    assert not dict(selftest.CHECKS)[name]()


def test_a_silent_fallback_to_python_stops_the_signer(monkeypatch):
    monkeypatch.setattr("embit.util.secp256k1.ec_pubkey_create", None)
    with pytest.raises(SafetyError) as caught:
        selftest.run()
    assert caught.value.code == "safety.secp256k1"


def test_the_softwares_digest_is_over_every_source_file(monkeypatch, tmp_path):
    first = selftest.software_digest()
    assert len(first) == 64
    assert selftest.software_digest() == first
    package = tmp_path / "airgap_signer"
    (package / "sub").mkdir(parents=True)
    (package / "a.py").write_text("x")
    monkeypatch.setattr("airgap_signer.__path__", [str(package)])
    seen = {first, selftest.software_digest()}
    (package / "sub" / "b.py").write_text("")
    seen.add(selftest.software_digest())
    (package / "a.py").write_text("y")
    seen.add(selftest.software_digest())
    (package / "sub" / "b.py").rename(package / "sub" / "c.py")
    seen.add(selftest.software_digest())
    assert len(seen) == 5
