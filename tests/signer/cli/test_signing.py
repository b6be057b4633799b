"""The commands of the ceremony: review and sign."""

import json

import pytest

from airgap_shared import envelope
from tests.signer import world
from tests.signer.cli.pseudo import at_terminal, without_terminal
from tests.signer.world import PASSWORD, payment
from tests.simulators.relay_side import RelaySide, tatum_id
from tests.vectors.authors import STRANGER, digest


class TestReview:
    def test_a_review_needs_no_password_and_says_that_it_is_preliminary(
        self, run, home, stick
    ):
        stick.put()
        done = run("--home", home.path, "review", stick.path)
        assert done.status == 0
        assert b"PRELIMINARY" in done.out
        assert stick.code.encode() in done.out

    def test_its_json_says_what_would_be_signed(self, signer, home, stick):
        good, bad = payment(home.relay, "good"), payment(home.relay, "bad", fee=0)
        stick.put(good, bad)
        result = signer("review", stick.path).json
        assert result["code"] == stick.code
        assert (result["signed"], result["refused"]) == (1, 1)
        first, second = result["items"]
        assert (first["id"], first["outcome"], first["error"]) == (
            good.id,
            "would-sign",
            None,
        )
        assert second["outcome"] == "refused"
        assert second["error"]["code"] == "refusal.policy.zero_fee"
        assert result["preliminary"] is True

    def test_it_changes_nothing(self, signer, home, stick):
        stick.put()
        before = home.state()
        signer("review", stick.path)
        assert home.state() == before

    def test_a_damaged_journal_is_a_safety_stop(self, signer, home, stick):
        stick.put()
        home.journal.write_bytes(b"garbage" * 999)
        done = signer("review", stick.path)
        assert (done.status, done.error["code"]) == (6, "safety.journal_changed")


class TestSign:
    def test_a_confirmed_batch_is_signed(self, signer, stick):
        stick.put()
        done = signer("sign", stick.path, "-o", stick.signed, "--confirm", stick.code)
        assert done.status == 0
        assert (done.json["signed"], done.json["refused"]) == (1, 0)
        answer = stick.answer()
        assert done.json["items"][0]["txId"] == answer.items[0].tx_id
        assert answer.unsigned == stick.fingerprint

    def test_without_a_confirmation_nothing_is_written(self, signer, home, stick):
        stick.put()
        before = home.state()
        done = signer("sign", stick.path, "-o", stick.signed)
        assert (done.status, done.error["code"]) == (3, "refusal.confirmation_required")
        assert done.error["confirm"] == stick.code
        assert f"airgap-signer: confirm: {stick.code}\n" in done.err
        assert not stick.signed.exists()
        assert home.state() == before

    @pytest.mark.parametrize("code", ["", "0", "0000-0000", "FFFF-FFFF"])
    def test_a_wrong_code_is_refused(self, signer, stick, code):
        stick.put()
        done = signer("sign", stick.path, "-o", stick.signed, "--confirm", code)
        assert (done.status, done.error["code"]) == (3, "refusal.confirmation_wrong")
        assert not stick.signed.exists()

    @pytest.mark.parametrize("digits", [8, 9, 20, 64])
    def test_a_longer_prefix_is_accepted(self, signer, stick, digits):
        stick.put()
        given = stick.fingerprint[:digits]
        done = signer("sign", stick.path, "-o", stick.signed, "--confirm", given)
        assert done.status == 0

    def test_a_shorter_prefix_is_not(self, signer, stick):
        stick.put()
        given = stick.fingerprint[:7]
        done = signer("sign", stick.path, "-o", stick.signed, "--confirm", given)
        assert done.status == 3

    def test_signing_again_gives_the_stored_answer_without_a_question(
        self, signer, stick, tmp_path
    ):
        stick.put(
            payment(world.vault().relay), payment(world.vault().relay, "x", fee=0)
        )
        signer("sign", stick.path, "-o", stick.signed, "--confirm", stick.code)
        again = tmp_path / "again.json"
        done = signer("sign", stick.path, "-o", again)
        assert done.status == 0
        assert again.read_bytes() == stick.signed.read_bytes()
        assert (done.json["signed"], done.json["refused"]) == (1, 1)
        assert done.json["items"][1]["error"]["code"] == "refusal.policy.zero_fee"

    def test_a_vetoed_item_is_refused_by_the_person(self, signer, home, stick):
        one, two = payment(home.relay, "one"), payment(home.relay, "two")
        stick.put(one, two)
        arguments = ["sign", stick.path, "-o", stick.signed, "--confirm", stick.code]
        done = signer(*arguments, "--veto", one.id)
        outcomes = [(i["id"], i["outcome"]) for i in done.json["items"]]
        assert outcomes == [(one.id, "refused"), (two.id, "signed")]
        assert stick.answer().items[0].refused == "refusal.operator"

    @pytest.mark.parametrize("option", ["--veto", "--replace"])
    def test_naming_an_item_that_is_not_there_is_a_slip(self, signer, stick, option):
        stick.put()
        arguments = ["sign", stick.path, "-o", stick.signed, "--confirm", stick.code]
        done = signer(*arguments, option, tatum_id("elsewhere"))
        assert (done.status, done.error["code"]) == (2, "usage.no_item")
        assert not stick.signed.exists()

    def test_an_output_that_exists_is_never_overwritten(self, signer, home, stick):
        stick.put()
        stick.signed.write_text("precious")
        before = home.state()
        done = signer("sign", stick.path, "-o", stick.signed, "--confirm", stick.code)
        assert (done.status, done.error["code"]) == (2, "file.exists")
        assert stick.signed.read_text() == "precious"
        assert home.state() == before

    def test_input_and_output_cannot_be_one_file(self, signer, stick):
        stick.put()
        done = signer("sign", stick.path, "-o", stick.path, "--confirm", stick.code)
        assert done.status == 2

    def test_a_file_that_is_missing_is_a_slip(self, signer, stick):
        done = signer("sign", stick.path, "-o", stick.signed)
        assert (done.status, done.error["code"]) == (2, "file.missing")

    def test_a_dash_is_stdout_byte_for_byte(self, run, home, stick):
        stick.put()
        options = ["--home", home.path, "--password-file", home.password_file]
        confirm = ["--confirm", stick.code]
        done = run(*options, "sign", stick.path, "-o", "-", *confirm)
        assert done.status == 0
        signed = run(*options, "sign", stick.path, "-o", stick.signed)
        assert signed.out
        assert stick.signed.read_bytes() == done.out

    def test_a_dash_and_json_cannot_share_stdout(self, signer, home, stick):
        stick.put()
        before = home.state()
        done = signer("sign", stick.path, "-o", "-", "--confirm", stick.code)
        assert (done.status, done.error["code"]) == (2, "usage.stdout_twice")
        assert home.state() == before

    def test_a_head_that_the_journal_does_not_know_is_a_safety_stop(
        self, signer, stick
    ):
        stick.put(seen=world.head_of(99, digest("later")))
        done = signer("sign", stick.path, "-o", stick.signed, "--confirm", stick.code)
        assert (done.status, done.error["code"]) == (6, "safety.journal_forked")
        stick.put(seen=world.head_of(99, digest("later"), STRANGER.sign))
        done = signer("sign", stick.path, "-o", stick.signed, "--confirm", stick.code)
        assert (done.status, done.error["code"]) == (3, "refusal.head")

    def test_a_clock_that_was_set_back_is_a_safety_stop(
        self, signer, stick, monkeypatch
    ):
        stick.put()
        monkeypatch.setattr("time.time", lambda: 1_000_000.0)
        done = signer("sign", stick.path, "-o", stick.signed, "--confirm", stick.code)
        assert (done.status, done.error["code"]) == (6, "safety.clock")

    def test_every_item_refused_is_still_an_answer(self, signer, home, stick):
        stick.put(payment(home.relay, fee=0))
        done = signer("sign", stick.path, "-o", stick.signed, "--confirm", stick.code)
        assert (done.status, done.json["refused"]) == (0, 1)
        assert stick.answer().items[0].refused == "refusal.policy.zero_fee"


class TestTerminal:
    def arguments(self, home, stick):
        password = ["--password-file", home.password_file]
        sign = ["sign", stick.path, "-o", stick.signed]
        return ["--home", home.path, *password, *sign]

    def test_a_person_types_the_word_that_was_drawn_for_this_review(self, home, stick):
        stick.put()
        answers = [(r"type '([a-z]+)' to sign", lambda found: found[1])]
        seen = at_terminal(*self.arguments(home, stick), answers=answers)
        assert seen.status == 0
        assert stick.answer().items[0].signed
        review = seen.screen.split("type '")[0]
        assert stick.code in review
        assert "fee     0.00001 BTC" in review
        assert "PRELIMINARY" not in review

    @pytest.mark.parametrize("typed", ["no", "", "y"])
    def test_anything_else_stops(self, home, stick, typed):
        stick.put()
        before = home.state()
        answers = [(r"to sign, anything else to stop: ", typed)]
        seen = at_terminal(*self.arguments(home, stick), answers=answers)
        assert seen.status == 3
        assert "stopped by the person" in seen.screen
        assert not stick.signed.exists()
        assert home.state() == before

    def test_the_batchs_code_is_not_the_word(self, home, stick):
        """A stick that types keys can know the code, never the word."""
        stick.put()
        answers = [(r"anything else to stop: ", stick.code)]
        seen = at_terminal(*self.arguments(home, stick), answers=answers)
        assert seen.status == 3


class TestHostile:
    """Whatever lies on the stick: one sentence, nothing written."""

    def refused(self, signer, home, stick, data):
        stick.path.write_bytes(data)
        before = home.state()
        seen = []
        for command in (
            ["review", stick.path],
            ["sign", stick.path, "-o", stick.signed],
        ):
            done = signer(*command)
            assert done.status in (3, 4), done
            assert len(done.json) == 1
            lines = done.err.splitlines()
            errors = [
                line for line in lines if line.startswith("airgap-signer: error:")
            ]
            assert len(errors) == 1
            assert errors[0].isprintable()
            seen.append(done.error["code"])
        assert not stick.signed.exists()
        assert home.state() == before
        assert seen[0] == seen[1]
        return seen[0]

    def data(self, stick, **fields):
        return stick.put(**fields).path.read_bytes()

    @pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9])
    def test_truncated(self, signer, home, stick, share):
        data = self.data(stick)
        cut = data[: int(len(data) * share)]
        assert self.refused(signer, home, stick, cut) == "contract.malformed"

    def test_without_its_last_line_end(self, signer, home, stick):
        data = self.data(stick)[:-1]
        assert self.refused(signer, home, stick, data) == "contract.not_canonical"

    @pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.7, 0.8, 0.95])
    @pytest.mark.parametrize("bit", [0, 6])
    def test_a_flipped_bit(self, signer, home, stick, share, bit):
        data = bytearray(self.data(stick))
        data[int(len(data) * share)] ^= 1 << bit
        code = self.refused(signer, home, stick, bytes(data))
        assert code.startswith("contract.")

    @pytest.mark.parametrize(
        ("old", "new", "code"),
        [
            (b'"sequence":', b'"sequence":1,"sequence":', "contract.not_canonical"),
            (b'"network":', b'"surprise":1,"network":', "contract.malformed"),
            (b'"network":"testnet"', b'"network":null', "contract.malformed"),
            (b'"network":', b'"network" :', "contract.not_canonical"),
            (b'"seen"', b'"seen"', None),
        ],
    )
    def test_a_payload_that_its_author_signed_but_is_not_canonical(
        self, signer, home, stick, old, new, code
    ):

        payload = bytes(
            envelope.unframe(self.data(stick), "airgap.unsigned-batch.v1").payload
        )
        if code is None:
            payload, code = payload[:-1] + b',"seen":null}', "contract.malformed"
        else:
            payload = payload.replace(old, new, 1)
        author = home.relay.author
        data = envelope.seal(
            "airgap.unsigned-batch.v1", payload, author.key, author.sign
        )
        found = self.refused(signer, home, stick, data)
        assert found in (code, "contract.not_canonical")

    @pytest.mark.parametrize("more", [b"\n", b" ", b"{}", b"\x00"])
    def test_trailing_bytes(self, signer, home, stick, more):
        data = self.data(stick) + more
        assert self.refused(signer, home, stick, data).startswith("contract.")

    def test_too_large(self, signer, home, stick):
        code = self.refused(signer, home, stick, b" " * (16 * 1024 * 1024 + 1))
        assert code in ("contract.too_large", "file.too_large")

    def test_a_stranger(self, signer, home, stick):
        batch = home.relay.batch(payment(home.relay))
        data = home.relay.file(batch, STRANGER)
        assert self.refused(signer, home, stick, data) == "contract.stranger"

    def test_another_signer(self, signer, home, stick):
        data = RelaySide(digest("other"), now=home.relay.now).batch_file(
            payment(home.relay)
        )
        assert self.refused(signer, home, stick, data) == "refusal.recipient"

    def test_expired(self, signer, home, stick):
        data = self.data(stick, created=1_000, expires=2_000)
        assert self.refused(signer, home, stick, data) == "refusal.expired"

    def test_a_batch_that_lives_too_long(self, signer, home, stick):
        data = self.data(stick, expires=home.relay.now + 8 * 24 * 3600)
        assert self.refused(signer, home, stick, data) == "refusal.lifetime"

    @pytest.mark.parametrize(
        "data",
        [b"[" * 100_000, b"\xff\xfe", b"null", b'"\\ud800"', b"{}", b"\x1b[2J"],
    )
    def test_anything_that_is_no_document(self, signer, home, stick, data):
        assert self.refused(signer, home, stick, data) == "contract.malformed"


def test_the_whole_ceremony_without_a_terminal_in_a_process_of_its_own(home, stick):
    stick.put()
    options = ["--home", home.path, "--json", "--password-file", home.password_file]
    sign = ["sign", stick.path, "-o", stick.signed]
    first = without_terminal(*options, *sign)
    assert first.status == 3
    code = json.loads(first.out)["error"]["confirm"]
    second = without_terminal(*options, *sign, "--confirm", code)
    assert second.status == 0
    assert stick.answer().items[0].signed
    assert PASSWORD.decode() not in first.screen + second.screen
