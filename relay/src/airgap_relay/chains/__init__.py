"""One module a chain family: what to fetch, how to prepare, match and find."""
