"""A loopback look-alike of the Tatum API, for rehearsals and the demo."""
