"""The relay's memory, and the only package that speaks SQL.

``tables`` are what is kept, ``store`` how it changes, ``opening`` where the file is,
``migration`` how a file of an earlier version is brought up to date.
"""

from airgap_relay.journal.opening import create, open_
from airgap_relay.journal.rows import encode_keys
from airgap_relay.journal.store import Journal

__all__ = ["Journal", "create", "encode_keys", "open_"]
