"""Contracts: what every layer, loss, optimizer, … must keep. A new class is one line in its table."""
