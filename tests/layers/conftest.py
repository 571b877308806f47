"""What tests of layers share."""

import pytest


@pytest.fixture
def keras():
    """Keras as it is: its recurrent layers compute parts in float32 whatever their dtype."""
    return pytest.importorskip("keras", reason="Keras is an oracle only where installed")
