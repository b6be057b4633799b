"""The contract between airgap-relay and airgap-signer; knows neither side."""
