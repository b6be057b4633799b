"""Every maximum of what may arrive, in one place, with its arithmetic."""

MAX_BATCH_ITEMS = 1_000
"""Items of a batch: what one person can still review in parts, and one ceremony."""

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
"""A document file. 1,000 one-input items with parents of 2 kB are 3 MB; a USB stick
and 16 MiB of memory carry the rest."""

MAX_PREVIOUS_TRANSACTION_BYTES = 400_000
"""A previous transaction: Bitcoin Core relays none above 400,000 weight units, so
none above 400,000 bytes without its witness."""

MAX_TRANSACTION_BYTES = 400_000
"""An unsigned or signed transaction; the same standardness limit."""

MAX_VIRTUAL_BYTES = 100_000
"""Virtual bytes of a transaction: 400,000 weight units (Bitcoin Core, policy)."""

MAX_ITEM_BYTES = 8 * 1024 * 1024
"""One payload: twenty of the largest parents. Larger ones leave no room in a batch."""

MAX_INPUTS = 2_500
"""Inputs of a transaction: 400,000 weight units hold 2,439 of bare P2PK's 164."""

MAX_KEYS = MAX_INPUTS
"""Keys of an item: at most one an input."""

MAX_ENTRIES = 25_000
"""Wallet entries: Tatum takes 25,000 signature ids in one poll."""

MAX_INDEX = 2**31 - 1
"""Derivation index: BIP-32 non-hardened child numbers end at 2^31 - 1."""

MAX_INTEGER = 2**53 - 1
"""Integers in JSON: all readers of IEEE doubles agree up to here (RFC 8259 §6)."""

MAX_LINKS = 100_000
"""Journal links in a signed batch: 64 hex digits each, 6.4 MB, years of ceremonies."""

MAX_BATCH_SECONDS = 7 * 24 * 3600
"""A batch may not live longer than 7 days: fees and coins change, people forget."""

MAX_LOCK_SECONDS = 24 * 3600
"""A transaction may become valid at most a day ahead; later is a time bomb."""

MAX_TATUM_JSON_BYTES = 2 * 1024 * 1024
"""One pending transaction of Tatum: 2,500 inputs of 400 bytes are 1 MB."""

MAX_NAME = 64
"""Characters of a name in an identity."""

MAX_HINT = 200
"""Characters of a hint that the relay adds for people."""

MAX_PASSWORD_BYTES = 1024
"""A password, UTF-8; longer input is a wrong file."""
