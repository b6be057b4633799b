"""Lets ``python -m airgap_signer.cli`` run the program."""

from airgap_signer.cli import main

main()
