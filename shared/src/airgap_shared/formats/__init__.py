"""One module or package a chain family: unsigned and signed bytes <-> values."""
