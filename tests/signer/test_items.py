"""One item of a batch: read it, judge it, sign it."""

import msgspec
import pytest

from airgap_shared.errors import SafetyError
from airgap_signer import items
from airgap_signer.chains.bitcoin import FAMILY
from airgap_signer.policy import Policy
from tests.signer.world import (
    COLD,
    HOT,
    LEGAL,
    SPARE,
    WALLET,
    child_script,
    key_entry,
    p2wpkh,
    payment,
    wallet_entry,
    wif,
)
from tests.simulators.relay_side import SOMEBODY, coin, container, key_of, spend

UNKNOWN = "33333333-2222-4333-8444-555555555555"


def paid_by(vault, reference, pays=None):
    made = coin("x", pays or p2wpkh("hot"))
    return vault.relay.item("x", [made], [(SOMEBODY, 99_000)], [reference])


class TestReading:
    def test_an_entry_that_is_not_here_refuses_the_item(self, vault):
        assert vault.code(paid_by(vault, key_of(UNKNOWN))) == "refusal.key_missing"

    def test_a_retired_entry_is_not_here(self, vault):
        vault.change(HOT, retired=True)
        assert vault.code(paid_by(vault, key_of(HOT))) == "refusal.key_missing"

    def test_an_item_without_any_key_is_refused(self, vault):
        made = coin("x", p2wpkh("hot"))
        item = vault.relay.item("x", [made], [(SOMEBODY, 99_000)], [])
        assert vault.code(item) == "refusal.key_missing"

    def test_an_entry_of_another_network_refuses_the_item(self, vault):
        vault.add(key_entry(UNKNOWN, wif("main", "mainnet"), "mainnet"), "")
        item = paid_by(vault, key_of(UNKNOWN), p2wpkh("main"))
        assert vault.code(item) == "refusal.wrong_chain"

    def test_a_private_key_has_no_index_and_a_mnemonic_needs_one(self, vault):
        assert vault.code(paid_by(vault, key_of(HOT, 0))) == "refusal.key_index"
        assert vault.code(paid_by(vault, key_of(WALLET))) == "refusal.key_index"

    @pytest.mark.parametrize("chain", ["DASH", "XX"])
    def test_an_unknown_chain_refuses_the_item(self, vault, chain):
        item = msgspec.structs.replace(payment(vault.relay), chain=chain)
        assert vault.code(item) == "contract.chain"

    def test_a_mistake_in_our_reader_refuses_the_item_alone(self, vault, monkeypatch):
        good, bad = payment(vault.relay, "good"), payment(vault.relay, "bad")
        read = FAMILY.read

        def clumsy(chain, item, *rest):
            if item.id == bad.id:
                raise KeyError("oops")
            return read(chain, item, *rest)

        monkeypatch.setattr(type(FAMILY), "read", staticmethod(clumsy))
        fine, refused = vault.judged(good, bad)
        assert fine.error is None
        assert refused.error.code == "contract.unreadable"
        assert "oops" not in refused.error.message

    def test_every_item_of_a_batch_is_read_whatever_the_others_are(self, vault):
        broken = vault.relay.item_of("broken", b"?", [key_of(HOT)])
        judged = vault.judged(
            broken, payment(vault.relay), paid_by(vault, key_of(SPARE))
        )
        codes = [each.error.code if each.error else "" for each in judged]
        assert codes == ["contract.psbt.malformed", "", "refusal.key_missing"]


class TestRequests:
    def test_the_digest_is_over_bytes_keys_and_chain(self, vault):
        first = payment(vault.relay)
        other = payment(vault.relay, amount=100_001)
        replace = msgspec.structs.replace
        digests = {
            items.request_digest(each)
            for each in (
                first,
                replace(first, payload=other.payload),
                replace(first, keys=(*first.keys, key_of(COLD))),
                replace(first, chain="LTC"),
            )
        }
        assert len(digests) == 4

    def test_what_only_people_read_does_not_change_the_request(self, vault):
        first = payment(vault.relay)
        changed = msgspec.structs.replace(
            first, hint="another", source="ab" * 32, replaces="fee"
        )
        assert items.request_digest(changed) == items.request_digest(first)


class TestSigning:
    def test_a_refused_item_has_a_code_and_nothing_else(self, vault):
        good, bad = payment(vault.relay, "good"), payment(vault.relay, "bad", fee=0)
        signed, refused = vault.sign(good, bad)
        assert signed.signed
        assert (refused.signed, refused.tx_id) == (b"", "")
        assert refused.refused == "refusal.policy.zero_fee"
        assert [r.tatum_id for r in vault.history.records] == [good.id]

    def test_a_record_keeps_what_later_decisions_need(self, vault):
        made = coin("x", p2wpkh("hot"))
        item = vault.relay.item(
            "x", [made], [(SOMEBODY, 60_000), (p2wpkh("hot"), 39_000)], [key_of(HOT)]
        )
        (answer,) = vault.sign(item)
        (record,) = vault.history.records
        assert (record.tatum_id, record.chain, record.network) == (
            item.id,
            "BTC",
            "testnet",
        )
        assert (record.signed, record.tx_id) == (answer.signed, answer.tx_id)
        assert record.fee == 1_000
        assert [(c.reference, c.amount, c.script) for c in record.coins] == [
            (made.reference, 100_000, p2wpkh("hot"))
        ]
        assert [(p.script, p.amount) for p in record.payments] == [(SOMEBODY, 60_000)]

    def lies(self, vault, item):
        with pytest.raises(SafetyError) as caught:
            vault.sign(item)
        assert caught.value.code == "safety.derivation"
        assert vault.history.records == []

    def test_a_public_key_that_the_secret_does_not_give_stops_everything(self, vault):
        """The public section says that the spare key is the hot one."""
        hot = vault.public.entries[HOT]
        vault.change(SPARE, public_key=hot.public_key, address=hot.address)
        self.lies(vault, paid_by(vault, key_of(SPARE)))

    def test_an_extended_key_that_the_mnemonic_does_not_give_stops(self, vault):
        vault.change(WALLET, xpub=wallet_entry(WALLET, LEGAL).xpub)
        self.lies(vault, paid_by(vault, key_of(WALLET, 3), child_script(3, LEGAL)))

    def test_an_own_output_that_no_key_of_ours_spends_stops(self, vault):
        """The public section says that a thief's address is the cold key's."""
        thief = key_entry(COLD, wif("thief"))
        vault.change(COLD, address=thief.address)
        made = coin("x", p2wpkh("hot"))
        outputs = [(SOMEBODY, 50_000), (p2wpkh("thief"), 49_000)]
        self.lies(vault, vault.relay.item("x", [made], outputs, [key_of(HOT)]))

    def test_an_own_output_whose_key_is_another_than_stored_stops(self, vault):
        thief = key_entry(COLD, wif("thief"))
        vault.change(COLD, public_key=thief.public_key, address=thief.address)
        made = coin("x", p2wpkh("hot"))
        outputs = [(SOMEBODY, 50_000), (p2wpkh("thief"), 49_000)]
        self.lies(vault, vault.relay.item("x", [made], outputs, [key_of(HOT)]))

    def test_one_lie_stops_the_items_before_it_too(self, vault):
        hot = vault.public.entries[HOT]
        vault.change(SPARE, public_key=hot.public_key, address=hot.address)
        lie = paid_by(vault, key_of(SPARE))
        with pytest.raises(SafetyError):
            vault.sign(payment(vault.relay), lie)
        assert vault.history.records == []

    def test_the_keys_needed_are_those_that_sign_and_those_that_receive(self, vault):
        made = coin("x", child_script(3))
        item = vault.relay.item(
            "x",
            [made],
            [(SOMEBODY, 50_000), (p2wpkh("cold"), 49_000)],
            [key_of(WALLET, 3), key_of(SPARE)],
        )
        (judged,) = vault.judged(item)
        assert items.references(judged.reading) == [key_of(WALLET, 3), key_of(COLD)]


def test_a_default_policy_reads_claims_without_believing_them(vault):
    made = coin("x", p2wpkh("hot"), proof="claim")
    unsigned = spend([made], [(SOMEBODY, 99_000)])
    item = vault.relay.item_of("x", container(unsigned, [made]), [key_of(HOT)])
    assert vault.code(item, Policy()) == ""
