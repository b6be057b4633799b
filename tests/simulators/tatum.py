"""An in-memory Tatum with a network behind it, which can fail, repeat and lie.

It implements the client's interface, so nothing of the relay is replaced by a mock.
"""

import json
import threading
from collections import defaultdict, deque
from enum import Enum

from airgap_relay.tatum import Broadcast
from airgap_shared.errors import (
    RemoteRejectedError,
    RemoteUnavailableError,
    RemoteUncertainError,
)
from airgap_shared.formats.bitcoin import transaction


class CrashError(BaseException):
    """The relay's process ends here; nothing catches it."""


class Steps:
    """Ends the relay at one step: called at each, it raises at the last."""

    def __init__(self, last: int) -> None:
        self.left = last

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise CrashError


class Fault(Enum):
    """What can go wrong with one call."""

    UNREACHABLE = "connection refused"
    UNAUTHORIZED = "wrong API key"
    LOST_BEFORE = "no answer, and nothing happened"
    LOST_AFTER = "no answer, and it happened"
    REJECT = "refused, and nothing happened"
    REJECT_AFTER = "refused, although it happened"
    LIE = "another transaction id"
    FAILED = "sent, not completed"
    SERVER_ERROR = "not known"


def never():
    """Do not stop the relay."""


class SimulatedTatum:
    """Pending lists, a chain of known transactions, and a queue of faults."""

    def __init__(self, step=never):
        self.step = step
        self.listed = {}
        self.known = {}
        self.completed = {}
        self.reported = []
        self.sent = []
        self.calls = []
        self.faults = defaultdict(deque)
        self.always = {}
        self.reject = set()
        self.confirmed = set()
        self.withdrawals = {}
        self.cancelled = {}
        self._lock = threading.Lock()

    def list_pending(self, pending):
        self.listed[pending["id"]] = pending

    def add_transaction(self, made):
        self.known[made.tx_id()] = made.encode()

    def add_raw(self, tx_id, version):
        """Let the network have a signed version again."""
        self.known[tx_id] = version.signed

    def fail(self, call, *faults):
        """Let the next calls fail in this order."""
        self.faults[call].extend(faults)

    def pending(self, _chain, _signature_ids):
        with self._call("pending"):
            return [
                json.dumps(listed).encode()
                for listed in self.listed.values()
                if listed["id"] not in self.completed
            ]

    def get(self, pending_id):
        with self._call("get"):
            if pending_id not in self.listed:
                raise RemoteRejectedError("remote.rejected", "Tatum refuses: missing")
            told = dict(self.listed[pending_id])
            if pending_id in self.completed:
                told["txId"] = self.completed[pending_id]
            return json.dumps(told).encode()

    def complete(self, pending_id, tx_id):
        with self._call("complete"):
            self.completed[pending_id] = tx_id

    def complete_withdrawal(self, withdrawal_id, tx_id):
        with self._call("complete_withdrawal"):
            self.withdrawals[withdrawal_id] = tx_id

    def cancel(self, pending_id, *, revert):
        with self._call("cancel"):
            if pending_id not in self.listed:
                raise RemoteRejectedError("remote.rejected", "Tatum refuses: missing")
            del self.listed[pending_id]
            self.cancelled[pending_id] = revert

    def report_errors(self, failed):
        with self._call("report_errors"):
            self.reported += failed

    def broadcast(self, _chain, tx_data, pending_id, withdrawal_id=""):
        with self._call("broadcast") as fault:
            made = transaction.decode(tx_data)
            tx_id = made.tx_id()
            self.sent.append((pending_id, tx_data))
            if pending_id in self.reject:
                raise RemoteRejectedError(
                    "remote.rejected", "Tatum refuses: wrong input"
                )
            self.known[tx_id] = tx_data
            if fault is Fault.LIE:
                return Broadcast("ab" * 32, completed=True)
            if fault is not Fault.FAILED:
                self.completed[pending_id] = tx_id
                if withdrawal_id:
                    self.withdrawals[withdrawal_id] = tx_id
            return Broadcast(tx_id, completed=fault is not Fault.FAILED)

    def transaction(self, _chain, tx_id):
        with self._call("transaction") as fault:
            if tx_id not in self.known:
                return None
            data = self.known[tx_id]
            if fault is Fault.LIE:
                other = transaction.decode(data)
                data = transaction.Transaction(
                    other.version, other.inputs, other.outputs, other.lock_time + 1
                ).encode()
            block = 7 if tx_id in self.confirmed else None
            told = {"hash": tx_id, "hex": data.hex(), "blockNumber": block}
            return json.dumps(told).encode()

    def raw_transaction(self, _chain, tx_id):
        with self._call("raw_transaction"):
            if tx_id not in self.known:
                return None
            return json.dumps({"result": self.known[tx_id].hex()}).encode()

    def transfer(self, _chain, _transfer):
        with self._call("transfer"):
            return "0" * 24

    def _call(self, name):
        return _Call(self, name)


class _Call:
    """One call: may stop the relay before it and after it, and may fail."""

    def __init__(self, tatum, name):
        self._tatum = tatum
        self._name = name
        self._fault = None

    def __enter__(self):
        self._tatum._lock.acquire()
        try:
            self._tatum.step()
            self._tatum.calls.append(self._name)
            queue = self._tatum.faults[self._name]
            self._fault = (
                queue.popleft() if queue else self._tatum.always.get(self._name)
            )
            self._fail_before()
        except BaseException:
            self._tatum._lock.release()
            raise
        return self._fault

    def _fail_before(self):
        match self._fault:
            case Fault.UNREACHABLE:
                raise RemoteUnavailableError("remote.unreachable", "refused")
            case Fault.UNAUTHORIZED:
                raise RemoteUnavailableError("remote.unauthorized", "API key")
            case Fault.SERVER_ERROR:
                raise RemoteUnavailableError("remote.failed", "HTTP 500")
            case Fault.LOST_BEFORE:
                raise RemoteUncertainError("remote.no_answer", "no answer")
            case Fault.REJECT:
                raise RemoteRejectedError("remote.rejected", "Tatum refuses: no")

    def __exit__(self, kind, error, trace):
        try:
            if error is None:
                self._tatum.step()
                if self._fault is Fault.LOST_AFTER:
                    raise RemoteUncertainError("remote.no_answer", "no answer")
                if self._fault is Fault.REJECT_AFTER:
                    raise RemoteRejectedError("remote.rejected", "Tatum refuses: late")
        finally:
            self._tatum._lock.release()
