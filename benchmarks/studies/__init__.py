"""Does it learn what it should? Studies of accuracy, each against a baseline of another kind."""
