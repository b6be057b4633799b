"""The online program: polls Tatum, writes batches, sends what was signed."""
