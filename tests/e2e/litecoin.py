"""A Litecoin Core of our own in regtest, and the sandbox's ledger in front of it."""

import json
import socket
import subprocess
import time
from base64 import b64encode
from http.client import HTTPConnection
from pathlib import Path
from typing import Self

from airgap_relay.sandbox.ledger import Ledger, RejectedError
from airgap_shared.chains import lookup
from airgap_shared.formats.bitcoin import transaction
from airgap_shared.formats.bitcoin.transaction import Transaction

START_SECONDS = 20
CALL_SECONDS = 15
MATURE = 101
"""Blocks after which the first reward can be spent."""
NAME = "test"
NOT_SEGWIT = (False,)
"""Says that a transaction without inputs is not to be read as a segwit one."""


class Node:
    """One ``litecoind``; it is stopped when the block is left, by its process."""

    def __init__(self, program: str, folder: Path) -> None:
        folder.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        options = ["-regtest", "-server", "-listen=0", "-dnsseed=0", "-txindex=1"]
        options += ["-fallbackfee=0.0001", "-printtoconsole=0", "-rpcbind=127.0.0.1"]
        options += ["-rpcallowip=127.0.0.1", f"-rpcuser={NAME}", f"-rpcpassword={NAME}"]
        options += [f"-datadir={folder}", f"-rpcport={self._port}"]
        self._process = subprocess.Popen(
            [program, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        try:
            self._wait()
            self.call("createwallet", "miner")
            self.miner = self.call("getnewaddress")
            self.call("generatetoaddress", MATURE, self.miner)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def call(self, method, *parameters):
        """One call of its JSON-RPC; what it refuses is a ``RejectedError``."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=CALL_SECONDS)
        word = b64encode(f"{NAME}:{NAME}".encode()).decode()
        body = json.dumps({"method": method, "params": parameters, "id": 1})
        try:
            headers = {"Authorization": f"Basic {word}"}
            connection.request("POST", "/", body, headers)
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if answer["error"]:
            raise RejectedError(answer["error"]["message"])
        return answer["result"]

    def _wait(self):
        until = time.monotonic() + START_SECONDS
        while True:
            assert self._process.poll() is None, "litecoind has ended"
            try:
                return self.call("getblockcount")
            except (OSError, ValueError, RejectedError):
                assert time.monotonic() < until, "litecoind does not answer"
                time.sleep(0.1)


class NodeLedger(Ledger):
    """The sandbox's books of LTC, where the node says what is true."""

    def __init__(self, node, record):
        parameters = lookup("LTC", "testnet").bitcoin
        judge = Accepting(node)
        supply = 84_000_000 * 10**8
        super().__init__(
            "LTC", parameters, judge, record, max_supply=supply, replaces=True
        )
        self._node = node

    def fund(self, script, amount, now):
        """Pay from the miner's coins; the change comes second."""
        out = transaction.Output(amount, script)
        bare = Transaction(2, (), (out,), 0).encode(witness=False).hex()
        options = {"changePosition": 1}
        funded = self._node.call("fundrawtransaction", bare, options, *NOT_SEGWIT)[
            "hex"
        ]
        signed = self._node.call("signrawtransactionwithwallet", funded)["hex"]
        tx_id = self._node.call("sendrawtransaction", signed)
        self._node.call("generatetoaddress", 1, self._node.miner)
        raw = self._node.call("getrawtransaction", tx_id)
        self.replay({"event": "block", "transactions": [raw], "time": now})
        return tx_id

    def broadcast(self, transaction, now):
        tx_id = super().broadcast(transaction, now)
        assert (
            self._node.call("sendrawtransaction", transaction.encode().hex()) == tx_id
        )
        return tx_id

    def mine(self, count, now):
        waiting = set(self._node.call("getrawmempool"))
        assert waiting == set(self.mempool)
        blocks = self._node.call("generatetoaddress", count, self._node.miner)
        mined = set(self._node.call("getblock", blocks[0])["tx"])
        assert waiting <= mined
        super().mine(count, now)


class Accepting:
    """The judge: what the node says before it takes anything."""

    def __init__(self, node):
        self._node = node

    def refusal(self, transaction, _coins):
        raw = transaction.encode().hex()
        (said,) = self._node.call("testmempoolaccept", [raw])
        return None if said["allowed"] else said["reject-reason"]
