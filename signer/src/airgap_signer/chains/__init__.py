"""One module a chain family: intent and signing."""
