"""Commands that join the two halves: pair, unpair and manifest."""

import pytest

from airgap_shared import documents, envelope
from airgap_shared.documents import Identity, Manifest
from tests.signer.cli.pseudo import at_terminal
from tests.signer.world import HOT, Vault, wif
from tests.vectors.authors import RELAY, STRANGER


@pytest.fixture
def stranger(tmp_path):
    """The identity of somebody who is not paired yet, as a file."""

    class Somebody:
        path = tmp_path / "identity.json"

        def __init__(self, author=STRANGER, role="relay", name="second"):
            document = Identity(role=role, name=name, key=author.key)
            self.fingerprint = documents.fingerprint(document)
            self.code = envelope.code(self.fingerprint, 5)
            data = documents.seal(document, author.key, author.sign)
            self.path.write_bytes(data)

    return Somebody


def peers(home):
    with home.open() as opened:
        return {peer.key: peer.role for peer in opened.public.peers}


class TestPair:
    def test_the_whole_code_pairs(self, signer, home, stranger):
        somebody = stranger()
        done = signer("pair", somebody.path, "--confirm", somebody.code)
        assert done.status == 0
        assert done.json == {
            "role": "relay",
            "fingerprint": somebody.fingerprint,
            "code": somebody.code,
        }
        assert peers(home) == {RELAY.key: "relay", STRANGER.key: "relay"}

    @pytest.mark.parametrize("groups", [0, 2, 4])
    def test_a_part_of_the_code_does_not(self, signer, home, stranger, groups):
        somebody = stranger()
        given = envelope.code(somebody.fingerprint, groups)
        done = signer("pair", somebody.path, "--confirm", given)
        assert (done.status, done.error["code"]) == (3, "refusal.confirmation_wrong")
        assert STRANGER.key not in peers(home)

    def test_without_a_confirmation_nothing_is_changed(self, signer, home, stranger):
        somebody = stranger()
        before = home.state()
        done = signer("pair", somebody.path)
        assert (done.status, done.error["confirm"]) == (3, somebody.code)
        assert home.state() == before

    def test_a_person_types_the_code_at_the_terminal(self, home, stranger):
        somebody = stranger()
        seen = at_terminal(
            "--home",
            home.path,
            "--password-file",
            home.password_file,
            "pair",
            somebody.path,
            answers=[(r"type the code to accept: ", somebody.code.lower())],
        )
        assert seen.status == 0
        assert somebody.code in seen.screen
        assert STRANGER.key in peers(home)

    @pytest.mark.parametrize(
        ("role", "asked"),
        [("approver", "relay"), ("signer", "relay"), ("relay", "approver")],
    )
    def test_an_identity_of_another_role_is_refused(
        self, signer, home, stranger, role, asked
    ):
        somebody = stranger(role=role)
        done = signer("pair", somebody.path, "--as", asked, "--confirm", somebody.code)
        assert (done.status, done.error["code"]) == (3, "refusal.role")
        assert STRANGER.key not in peers(home)

    def test_one_key_has_one_role(self, signer, home, stranger):
        somebody = stranger(RELAY, "approver")
        arguments = ["--as", "approver", "--confirm", somebody.code]
        done = signer("pair", somebody.path, *arguments)
        assert (done.status, done.error["code"]) == (3, "refusal.role")
        assert peers(home) == {RELAY.key: "relay"}

    @pytest.mark.parametrize("data", [b"", b"{}", b"\xff" * 99])
    def test_what_is_no_identity_is_refused(self, signer, stranger, data):
        somebody = stranger()
        somebody.path.write_bytes(data)
        assert signer("pair", somebody.path).status == 4

    def test_a_batch_of_an_unpaired_relay_is_a_strangers(self, signer, home):
        document = home.relay.identity
        code = envelope.code(documents.fingerprint(document), 5)
        done = signer("unpair", code)
        assert (done.status, done.json["role"]) == (0, "relay")
        assert peers(home) == {}
        again = signer("unpair", code)
        assert (again.status, again.error["code"]) == (2, "usage.no_peer")

    @pytest.mark.parametrize("given", ["", "0000", "00" * 32])
    def test_nobody_is_unpaired_by_a_part_of_a_code(self, signer, home, given):
        assert signer("unpair", given).status == 2
        assert peers(home) == {RELAY.key: "relay"}


class TestManifest:
    def test_its_number_grows_and_it_holds_no_secret(self, signer, tmp_path):
        numbers = []
        for name in ("one", "two"):
            path = tmp_path / name
            done = signer("manifest", "-o", path)
            data = path.read_bytes()
            manifest = documents.unseal(data, Manifest, {Vault().public.key}).document
            numbers.append(manifest.number)
            assert done.json["number"] == manifest.number
            assert done.json["entries"] == len(manifest.entries)
            assert HOT in {entry.signature_id for entry in manifest.entries}
            assert wif("hot").encode() not in data
            message = documents.head_message(manifest.head.height, manifest.head.head)
            assert envelope.verify(Vault().public.key, manifest.head.signature, message)
        assert numbers == [1, 2]

    def test_an_output_that_exists_is_kept_and_no_number_is_spent(
        self, signer, home, tmp_path
    ):
        path = tmp_path / "x"
        path.write_text("precious")
        before = home.state()
        assert signer("manifest", "-o", path).status == 2
        assert path.read_text() == "precious"
        assert home.state() == before
