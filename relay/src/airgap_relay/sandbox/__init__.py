"""A loopback look-alike of the Tatum API, for rehearsals and the demo.

``server`` speaks HTTP, ``api`` knows Tatum's calls, ``transfers`` and ``pending``
are its key management, ``ledger`` is a small chain whose every transaction
``judge`` verifies, ``log`` keeps it all in one file. Nothing here guards real coins.
"""
