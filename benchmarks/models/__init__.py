"""The other models: compressing, generating, energies, words, one example. Each against its usual library."""
