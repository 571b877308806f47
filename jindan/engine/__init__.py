"""The engine: one compiled program a training, for one plan or a thousand."""
