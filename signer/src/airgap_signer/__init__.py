"""The offline program: holds the keys, shows what a batch does, signs it."""
