"""The Bitcoin family's bytes: transactions, scripts, digests, Tatum's JSON."""
