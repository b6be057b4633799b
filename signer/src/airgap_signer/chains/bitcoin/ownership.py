"""Which outputs are ours: recognised by our own keys, never believed."""

from collections.abc import Sequence

from airgap_shared.chains import Chain
from airgap_shared.derivation import ExtendedKey
from airgap_shared.documents import KeyReference
from airgap_shared.formats.bitcoin import script as scripts
from airgap_shared.formats.bitcoin.script import ScriptType
from airgap_shared.formats.bitcoin.spending import RULES
from airgap_shared.limits import MAX_INDEX
from airgap_signer.chains.base import PublicKeys
from airgap_signer.intent import Owner
from airgap_signer.wallet import OWN_GAP, StoredEntry

MAX_SEARCHED = 10_000
"""Highest index up to which all children are searched for own outputs: a second."""


class BitcoinOwnership:
    """Recognises outputs to keys of ours on one chain and network."""

    def __init__(self, chain: Chain, entries: Sequence[StoredEntry]) -> None:
        """Index the addresses of ``entries``, all of which are of ``chain``."""
        self._chain = chain
        self._entries = {e.signature_id: e for e in entries}
        self._by_address = {e.address: e for e in entries if e.address}
        self._children: dict[str, _Children] = {}

    def owner(
        self, script: bytes, keys: PublicKeys
    ) -> tuple[Owner, KeyReference | None]:
        """Return whose ``script`` is when ``keys`` pay, and which key spends it."""
        for reference, key in keys.items():
            if RULES[self._chain.code].can_spend(script, key):
                return Owner.PAYER, reference
        form = _managed_form(script, self._chain)
        address = scripts.address(form, self._chain.bitcoin)
        entry = self._by_address.get(address or "")
        if entry is not None:
            paying = any(k.signature_id == entry.signature_id for k in keys)
            reference = KeyReference(signature_id=entry.signature_id)
            return Owner.PAYER if paying else Owner.OURSELVES, reference
        return self._child_of_payer(script, keys)

    def _child_of_payer(
        self, script: bytes, keys: PublicKeys
    ) -> tuple[Owner, KeyReference | None]:
        for signature_id in dict.fromkeys(k.signature_id for k in keys):
            entry = self._entries[signature_id]
            if not entry.xpub:
                continue
            used = [k.index or 0 for k in keys if k.signature_id == signature_id]
            children = self._children_of(entry)
            index = children.index_of(script, entry.highest, max(used))
            if index is not None:
                reference = KeyReference(signature_id=signature_id, index=index)
                return Owner.PAYER, reference
        return Owner.OTHERS, None

    def _children_of(self, entry: StoredEntry) -> "_Children":
        if entry.signature_id not in self._children:
            self._children[entry.signature_id] = _Children(entry.xpub, self._chain)
        return self._children[entry.signature_id]


class _Children:
    """The managed scripts of a mnemonic's children, each derived once."""

    def __init__(self, xpub: str, chain: Chain) -> None:
        """Begin with none of the children of ``xpub``."""
        self._key = ExtendedKey(xpub)
        self._chain = chain
        self._by_script: dict[bytes, int] = {}
        self._derived: set[int] = set()
        self._searched: set[range] = set()

    def index_of(self, script: bytes, highest: int, used: int) -> int | None:
        """Return the child that ``script`` pays to, near enough to count as ours.

        Searched is every index up to ``OWN_GAP`` past the ``highest`` that was given
        out, and as many around the highest ``used`` one. The relay chooses that, so
        the search must not cost more when it is far away.
        """
        windows = [range(min(highest, MAX_SEARCHED) + OWN_GAP + 1)]
        for index in (highest, used):
            last = min(index + OWN_GAP, MAX_INDEX)
            windows.append(range(max(0, index - OWN_GAP), last + 1))
        for window in windows:
            if window not in self._searched:
                self._derive(window)
        found = self._by_script.get(script)
        return found if any(found in window for window in windows) else None

    def _derive(self, window: range) -> None:
        self._searched.add(window)
        for index in set(window) - self._derived:
            key = self._key.child(index)
            script = scripts.managed_script(key, self._chain.bitcoin)
            self._by_script[script] = index
            self._derived.add(index)


def _managed_form(script: bytes, chain: Chain) -> bytes:
    """Return the script that a managed address of the same key pays to."""
    match scripts.classify(script):
        case ScriptType.P2PKH:
            return scripts.of_key_hash(script[3:23], chain.bitcoin)
        case ScriptType.P2WPKH:
            return scripts.of_key_hash(script[2:], chain.bitcoin)
        case _:
            return script
