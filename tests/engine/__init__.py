"""Tests of the compiled training loop against independent implementations."""
