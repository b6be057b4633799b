"""The whole journey of a payment, as in Tatum's Bitcoin guide, on this machine alone.

Real programs in processes of their own, a sandbox in place of Tatum, and a folder in
place of the USB stick. Everything happens in a temporary folder that is removed.

    python tests/e2e/demo.py [--chain BTC|LTC|DOGE|BCH]
"""

import argparse
import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import SubprocessError
from urllib.request import Request, urlopen

PROGRAMS = Path(sys.executable).parent
STOP_SECONDS = 20
COMMAND_SECONDS = 60

RECIPIENTS = {
    "BTC": "tb1qpr49ltmgphvzv2x8vwwd2pp5pm284wzgypu8xa",
    "LTC": "mgL6UASy9KCurycuuGSKT1mC9XW557vfzz",
    "DOGE": "nV1JSP3YZg8fVqu5x76xRGJmQY1xTmPe13",
    "BCH": "bchtest:qq8um7ehqse9qk54ltgfnyp7j3p5cnkdp5kp80d32k",
}
"""Somebody who is paid: a public test key's addresses."""

PATHS = {"BTC": "bitcoin", "LTC": "litecoin", "DOGE": "dogecoin", "BCH": "bcash"}
"""What Tatum calls each chain in its addresses."""

AMOUNTS = {"DOGE": ("100", "40")}

SIGNER = ("airgap-signer", "--password-file", "password")
"""The signer's commands that need the password."""

FUNDED, PAID = "0.01", "0.004"
"""Unless ``AMOUNTS`` says otherwise: below a whole DOGE Tatum pays nobody."""

COLOURS = {"step": "1;36", "command": "1", "output": "2", "good": "1;32", "bad": "1;31"}


class DemoError(Exception):
    """Something did not go as it must."""


def paint(kind: str, text: str) -> str:
    """Return ``text`` in colour when somebody looks at a terminal."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\033[{COLOURS[kind]}m{text}\033[0m"


def require(found: object, expected: object, what: str) -> None:
    """Stop the demo unless the two are the same."""
    if found != expected:
        raise DemoError(f"{what} is {found}, expected {expected}")


class Demo:
    """Runs commands in one folder and shows them as one would type them."""

    def __init__(self, folder: Path, chain: str) -> None:
        """Use ``folder`` and a copy of the environment."""
        self.folder = folder
        self.chain = chain
        self.recipient = RECIPIENTS[chain]
        self.funded, self.paid = AMOUNTS.get(chain, (FUNDED, PAID))
        self.number = 0
        self.environment = {**os.environ}
        self.environment.pop("TATUM_API_URL", None)

    def step(self, text: str) -> None:
        """Say what comes next."""
        self.number += 1
        print(f"\n{paint('step', f'{self.number}. {text}')}", flush=True)

    def set(self, name: str, value: str, shown: str) -> None:
        """Set a variable for the commands that follow."""
        self.environment[name] = value
        print(paint("command", f"$ export {name}={shown}"))

    def run(self, *command: str, status: int = 0) -> "subprocess.CompletedProcess[str]":
        """Run one command, show it and what it says."""
        print(paint("command", f"$ {shlex.join(command)}"), flush=True)
        done = self.quietly(*command)
        for line in (done.stdout + done.stderr).splitlines():
            print(paint("output", f"  {line}"), flush=True)
        require(done.returncode, status, "exit status")
        return done

    def quietly(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run one command; without a terminal nobody is asked, --confirm answers."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
            start_new_session=True,
        )

    def confirmed(self, *command: str, expected: str | None = None) -> None:
        """Run a command that asks for a code, then again with that code."""
        asked = self.run(*command, status=3).stderr
        code = asked.partition("confirm: ")[2].split("\n")[0]
        if expected is not None:
            require(code, expected, "code")
            print(paint("good", f"  both screens show {code}"))
        self.run(*command, "--confirm", code)


@contextlib.contextmanager
def sandbox(demo: Demo) -> Iterator[str]:
    """Run the sandbox as long as the block, and yield its address."""
    command = ["airgap-relay", "sandbox", "--port", "0", "--api-key-out", "api-key"]
    print(paint("command", f"$ {shlex.join(command)} &"), flush=True)
    child = subprocess.Popen(
        command,
        cwd=demo.folder,
        env=demo.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None
    try:
        line = child.stdout.readline()
        print(paint("output", f"  {line.rstrip()}"))
        yield json.loads(line)["url"]
        child.terminate()
        require(child.wait(STOP_SECONDS), 0, "exit status of the sandbox")
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def prepare(demo: Demo) -> None:
    """Make the two parties and let them know each other."""
    demo.step("The offline machine: an encrypted wallet storage and an identity.")
    password = demo.folder / "password"
    password.touch(mode=0o600)
    password.write_text("a password of the demo\n")
    demo.run(*SIGNER, "init", "--kdf-memory", "64")
    demo.step("Identities are exchanged. Each side shows its own code ...")
    ours = demo.run("airgap-relay", "identity", "-o", "relay.identity", "--json")
    theirs = demo.run("airgap-signer", "identity", "-o", "signer.identity", "--json")
    demo.step("... and accepts the other only when a person has compared the codes.")
    code = json.loads(ours.stdout)["code"]
    demo.confirmed(*SIGNER, "pair", "relay.identity", expected=code)
    code = json.loads(theirs.stdout)["code"]
    demo.confirmed("airgap-relay", "pair", "signer.identity", expected=code)


def pay(demo: Demo) -> str:
    """Ask for a payment, sign it offline, send it; return the pending id."""
    demo.step("A key is made offline (guide, steps 1 to 4); the relay learns its name.")
    generate = ("generatemanagedprivatekeybatch", demo.chain, "1", "--testnet")
    made = demo.run(*SIGNER, *generate)
    key = json.loads(made.stdout)
    demo.run(*SIGNER, "manifest", "-o", "stick/manifest")
    demo.run("airgap-relay", "manifest", "stick/manifest")

    demo.step(f"The new address is funded with {demo.funded} {demo.chain} (step 6).")
    demo.run("airgap-relay", "sandbox-fund", demo.chain, key["address"], demo.funded)

    paid = f"{demo.paid} {demo.chain}"
    demo.step(f"Tatum is asked to pay {paid} by the key's signature id (step 7).")
    sender = f"{key['address']}={key['signatureId']}"
    target = f"{demo.recipient}={demo.paid}"
    transfer = ("transfer", demo.chain, "--from", sender, "--to", target)
    pending = json.loads(demo.run("airgap-relay", *transfer, "--json").stdout)["id"]

    demo.step("The relay fetches it and writes a batch, which the stick carries.")
    demo.run("airgap-relay", "poll")
    demo.run("airgap-relay", "export", "-o", "unsigned")
    demo.run("cp", "unsigned", "stick/")

    demo.step("Offline: what would it do? Read from the very bytes that get signed.")
    demo.run("airgap-signer", "review", "stick/unsigned")
    demo.step("Offline: nothing is signed until a person says so by the code.")
    demo.confirmed(*SIGNER, "sign", "stick/unsigned", "-o", "stick/signed")

    demo.step("Back online: the answer is checked, kept, and sent.")
    demo.run("cp", "stick/signed", ".")
    demo.run("airgap-relay", "import", "signed")
    demo.run("airgap-relay", "broadcast")
    demo.step("A block is mined, and the details are looked up (step 8).")
    demo.run("airgap-relay", "sandbox-mine")
    demo.run("airgap-relay", "show", pending)
    return str(pending)


def check(demo: Demo, url: str, pending: str) -> None:
    """Ask journal and chain, not the programs' friendly words, how it ended."""
    shown = demo.quietly("airgap-relay", "status", "--json").stdout
    (item,) = json.loads(shown)["transactions"]
    require(item["id"], pending, "the one transaction")
    require(item["state"], "COMPLETED", "state")
    headers = {"x-api-key": demo.environment["TATUM_API_KEY"]}
    path = f"/v3/{PATHS[demo.chain]}/transaction/{item['txId']}"
    look_up = Request(f"{url}{path}", headers=headers)
    with urlopen(look_up, timeout=COMMAND_SECONDS) as answer:
        found = json.load(answer)
    told = demo.quietly("airgap-relay", "show", pending, "--json").stdout
    outputs = json.loads(told)["transactions"][0]["transaction"]["outputs"]
    paid = {output["address"]: output["amount"] for output in outputs}
    block = found.get("block") or found.get("blockhash")
    require(bool(block), expected=True, what="whether it is in a block")
    require(paid.get(demo.recipient), demo.paid, "what the recipient got")
    text = f"COMPLETED: {item['txId']} is in block {block}"
    print(f"\n{paint('good', text)}")


def play(folder: Path, chain: str) -> None:
    """Run the whole journey in ``folder``."""
    demo = Demo(folder, chain)
    (folder / "stick").mkdir()
    print(paint("command", f"$ cd {shlex.quote(str(folder))} && mkdir stick"))
    path = f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}"
    demo.set("PATH", path, f"{shlex.quote(str(PROGRAMS))}:$PATH")
    demo.set("AIRGAP_SIGNER_HOME", "signer", "signer")
    demo.set("AIRGAP_RELAY_HOME", "relay", "relay")
    demo.step("The online machine: a relay, and a sandbox that plays Tatum.")
    with sandbox(demo) as url:
        key = (folder / "api-key").read_text().strip()
        demo.set("TATUM_API_KEY", key, '"$(cat api-key)"')
        demo.run("airgap-relay", "init", "--network", "testnet", "--api-url", url)
        prepare(demo)
        check(demo, url, pay(demo))


def main() -> int:
    """Play the demo; 0 when everything went as it must."""
    parser = argparse.ArgumentParser(description="The whole journey of a payment.")
    parser.add_argument("--chain", choices=RECIPIENTS, default="BTC")
    chain = parser.parse_args().chain
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="airgap-demo-") as folder:
        try:
            play(Path(folder), chain)
        except (DemoError, LookupError, ValueError, OSError, SubprocessError) as error:
            print(paint("bad", f"the demo failed: {error!r}"), file=sys.stderr)
            return 1
    print(f"in {time.monotonic() - begun:.0f} seconds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
