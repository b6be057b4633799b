"""Open, check, review, veto, sign, answer."""

import json

import msgspec
import pytest

from airgap_shared import documents, limits
from airgap_shared.documents import SignedBatch
from airgap_shared.errors import AirgapError, RefusalError, UsageError
from airgap_signer import ceremony
from airgap_signer.wallet import Peer
from tests.signer.world import (
    COLD,
    HOT,
    SPARE,
    WALLET,
    head_of,
    p2wpkh,
    payment,
    sign_as_signer,
)
from tests.simulators.relay_side import SOMEBODY, RelaySide, coin, key_of, tatum_id
from tests.vectors.authors import NOON, RELAY, SIGNER, STRANGER, digest


def stopped(action, *arguments):
    with pytest.raises(AirgapError) as caught:
        action(*arguments)
    return caught.value.code


class TestOpening:
    def test_a_paired_relays_batch_for_this_signer_opens(self, vault):
        batch = vault.relay.batch(payment(vault.relay))
        sealed = vault.open(vault.relay.file(batch))
        assert sealed.document == batch
        assert sealed.key == RELAY.key

    def test_another_signers_batch_is_refused(self, vault):
        other = RelaySide(digest("another signer"))
        data = other.batch_file(payment(vault.relay))
        assert stopped(vault.open, data) == "refusal.recipient"

    def test_a_strangers_batch_is_refused(self, vault):
        batch = vault.relay.batch(payment(vault.relay))
        data = vault.relay.file(batch, STRANGER)
        assert stopped(vault.open, data) == "contract.stranger"

    def test_the_signers_own_key_is_no_relay(self, vault):
        batch = vault.relay.batch(payment(vault.relay))
        data = documents.seal(batch, vault.public.key, sign_as_signer)
        assert stopped(vault.open, data) == "contract.stranger"

    @pytest.mark.parametrize("role", ["approver", "administrator"])
    def test_a_peer_of_another_role_is_no_relay(self, vault, role):
        peer = Peer(role, "boss", STRANGER.key, digest("boss"), NOON)
        public = msgspec.structs.replace(
            vault.public, peers=(*vault.public.peers, peer)
        )
        batch = vault.relay.batch(payment(vault.relay))
        data = vault.relay.file(batch, STRANGER)
        assert stopped(ceremony.open_batch, data, public) == "contract.stranger"

    def test_a_batch_names_the_relay_that_signed_it(self, vault):
        data = vault.relay.batch_file(payment(vault.relay), relay=digest("another"))
        assert stopped(vault.open, data) == "refusal.sender"

    def test_a_relay_that_was_unpaired_is_a_stranger(self, vault):
        data = vault.relay.batch_file(payment(vault.relay))
        vault.public = msgspec.structs.replace(vault.public, peers=())
        assert stopped(vault.open, data) == "contract.stranger"

    def test_another_document_of_the_relay_is_no_batch(self, vault):
        assert stopped(vault.open, vault.relay.identity_file()) == "contract.type"


class TestBatch:
    @pytest.mark.parametrize(
        ("now", "code"),
        [(NOON, ""), (NOON + 3600, ""), (NOON + 3601, "refusal.expired")],
    )
    def test_a_batch_is_good_until_the_second_it_expires(self, vault, now, code):
        data = vault.relay.batch_file(payment(vault.relay))
        if code:
            assert stopped(vault.check, data, now) == code
        else:
            vault.check(data, now)

    @pytest.mark.parametrize(
        ("seconds", "code"),
        [
            (0, ""),
            (limits.MAX_BATCH_SECONDS, ""),
            (limits.MAX_BATCH_SECONDS + 1, "refusal.lifetime"),
        ],
    )
    def test_a_batch_lives_seven_days_at_most(self, vault, seconds, code):
        data = vault.relay.batch_file(payment(vault.relay), expires=NOON + seconds)
        if code:
            assert stopped(vault.check, data) == code
        else:
            vault.check(data)

    def test_a_batch_that_ends_before_it_begins_is_refused(self, vault):
        data = vault.relay.batch_file(payment(vault.relay), created=NOON + 7200)
        assert stopped(vault.check, data) == "refusal.lifetime"

    def test_an_item_twice_is_refused(self, vault):
        item = payment(vault.relay)
        data = vault.relay.batch_file(item, payment(vault.relay, "two"), item)
        assert stopped(vault.check, data) == "refusal.item_twice"

    def test_a_sequence_is_used_by_one_batch_alone(self, vault):
        first = vault.relay.batch_file(payment(vault.relay), sequence=5)
        vault.sign_review(vault.review(first))
        vault.check(first)
        again = vault.relay.batch_file(payment(vault.relay, "two"), sequence=5)
        assert stopped(vault.check, again) == "refusal.replay"
        vault.check(vault.relay.batch_file(payment(vault.relay, "two"), sequence=6))
        vault.check(vault.relay.batch_file(payment(vault.relay, "two"), sequence=4))

    def test_each_relay_counts_for_itself(self, vault):
        first = vault.relay.batch_file(payment(vault.relay), sequence=5)
        vault.sign_review(vault.review(first))
        other = RelaySide(vault.public.fingerprint(), author=STRANGER)
        sealed = documents.unseal_identity(other.identity_file())
        vault.public = msgspec.structs.replace(
            vault.public,
            peers=(
                *vault.public.peers,
                Peer("relay", "two", STRANGER.key, sealed.fingerprint, NOON),
            ),
        )
        vault.check(other.batch_file(payment(other, "two"), sequence=5))


class TestSeenHead:
    def data(self, vault, head):
        return vault.relay.batch_file(payment(vault.relay), seen=head)

    def test_a_head_that_the_journal_knows_is_fine(self, vault):
        vault.sign(payment(vault.relay, "earlier"))
        for height, head in enumerate(vault.history.heads):
            vault.check(self.data(vault, head_of(height, head)))

    def test_a_signed_head_beyond_the_journal_means_an_older_copy(self, vault):
        data = self.data(vault, head_of(1, digest("signed later")))
        assert stopped(vault.check, data) == "safety.journal_forked"

    def test_a_signed_head_that_differs_means_a_fork(self, vault):
        vault.sign(payment(vault.relay, "earlier"))
        data = self.data(vault, head_of(1, digest("another history")))
        assert stopped(vault.check, data) == "safety.journal_forked"

    def test_a_head_that_the_signer_never_signed_proves_nothing(self, vault):
        data = self.data(vault, head_of(1, digest("x"), SIGNER.sign))
        assert stopped(vault.check, data) == "refusal.head"
        known = head_of(0, vault.history.heads[0], RELAY.sign)
        assert stopped(vault.check, self.data(vault, known)) == "refusal.head"

    def test_a_signature_is_over_the_height_as_well(self, vault):
        true = head_of(0, vault.history.heads[0])
        data = self.data(vault, msgspec.structs.replace(true, height=1))
        assert stopped(vault.check, data) == "refusal.head"


class TestVeto:
    def test_a_vetoed_item_is_refused_and_the_others_are_not(self, vault):
        one, two = payment(vault.relay, "one"), payment(vault.relay, "two")
        review = vault.review(vault.relay.batch_file(one, two))
        review = ceremony.veto(review, [one.id])
        first, second = vault.sign_review(review)
        assert (first.refused, first.signed) == ("refusal.operator", b"")
        assert second.signed
        assert vault.code(one) == ""

    def test_without_vetoes_nothing_changes(self, vault):
        review = vault.review(vault.relay.batch_file(payment(vault.relay)))
        assert ceremony.veto(review, []) == review

    def test_an_id_that_is_not_in_the_batch_is_a_slip(self, vault):
        review = vault.review(vault.relay.batch_file(payment(vault.relay)))
        with pytest.raises(UsageError) as caught:
            ceremony.veto(review, [tatum_id("other")])
        assert caught.value.code == "usage.no_item"


class TestSecrets:
    def test_only_what_is_signed_now_needs_secrets(self, vault):
        known = payment(vault.relay, "known")
        vault.sign(known)
        spare = vault.relay.item(
            "spare", [coin("s", p2wpkh("spare"))], [(SOMEBODY, 99_000)], [key_of(SPARE)]
        )
        refused = vault.relay.item(
            "refused", [coin("r", p2wpkh("cold"))], [(SOMEBODY, 1)], [key_of(COLD)]
        )
        broken = vault.relay.item_of("broken", b"?", [key_of(WALLET, 0)])
        review = vault.review(vault.relay.batch_file(known, spare, refused, broken))
        assert ceremony.needed_entries(review) == {SPARE}
        vault.secrets = {SPARE: vault.secrets[SPARE]}
        answers = vault.sign_review(review)
        assert [bool(a.signed) for a in answers] == [True, True, False, False]

    def test_nothing_to_sign_needs_nothing(self, vault):
        review = vault.review(vault.relay.batch_file(payment(vault.relay, fee=0)))
        assert ceremony.needed_entries(review) == set()


class TestAnswer:
    def test_the_answer_names_the_batch_and_carries_the_head(self, vault):
        one, two = payment(vault.relay, "one"), payment(vault.relay, "two", fee=0)
        data = vault.relay.batch_file(one, two)
        review = vault.review(data, now=NOON + 60)
        answers = vault.sign_review(review)
        head = ceremony.signed_head(1, vault.history.heads[1], sign_as_signer)
        made = ceremony.answer_batch(
            review, answers, head, [digest("link")], digest("software")
        )
        sealed = documents.unseal(
            documents.seal(made, vault.public.key, sign_as_signer),
            SignedBatch,
            {vault.public.key},
        )
        answer = sealed.document
        assert answer.unsigned == vault.open(data).fingerprint
        assert answer.batch == review.sealed.document.id
        assert (answer.created, answer.self_test) == (NOON + 60, "passed")
        assert [i.id for i in answer.items] == [one.id, two.id]
        assert answer.links == (digest("link"),)
        vault.check(vault.relay.batch_file(payment(vault.relay, "x"), seen=answer.head))

    def test_the_journal_keeps_codes_and_no_sentences(self, vault):
        review = vault.review(
            vault.relay.batch_file(
                payment(vault.relay), payment(vault.relay, "x", fee=0)
            )
        )
        kept = json.loads(msgspec.json.encode(ceremony.detail(review)))
        assert kept == {
            "relay": vault.relay.fingerprint,
            "sequence": 1,
            "unsigned": review.sealed.fingerprint,
            "refused": [[tatum_id("x"), "refusal.policy.zero_fee"]],
        }


def test_a_refused_item_never_carries_a_sentence_out(vault):
    (answer,) = vault.sign(payment(vault.relay, fee=0))
    assert msgspec.json.encode(answer) == (
        b'{"id":"%b","refused":"refusal.policy.zero_fee"}' % answer.id.encode()
    )


def test_a_refusal_is_a_refusal(vault):
    with pytest.raises(RefusalError) as caught:
        vault.open(RelaySide(digest("x")).batch_file(payment(vault.relay)))
    assert caught.value.status == 3
    assert HOT not in caught.value.message
