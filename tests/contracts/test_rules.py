"""Every field with a rule, of every class: values outside it raise an error that says where, what and what came."""

from __future__ import annotations

import dataclasses

import pytest

from jindan import spec
from jindan.errors import InputError

from .examples import examples

# A short form is announced under the name it stands for.
STANDS_FOR = {"lr": "learning_rate"}


CASES = [
    pytest.param(value, field.name, rule, bad, id=f"{type(value).__name__}.{field.name}-{number}")
    for value in examples()
    for field in dataclasses.fields(value)
    if (rule := field.metadata.get("rule")) is not None
    for number, bad in enumerate(rule.bad_values())
]


@pytest.mark.parametrize(("value", "field", "rule", "bad"), CASES)
def test_bad_values_are_refused(value, field, rule, bad):
    assert not rule.accepts(bad)
    with pytest.raises(InputError) as caught:
        value.replace(**{field: bad})
    message = str(caught.value)
    assert STANDS_FOR.get(field, field) in message
    assert type(value).__name__ in message
    assert "expected:" in message
    assert f"received: {bad!r}" in message


@pytest.mark.parametrize("value", examples(), ids=lambda value: type(value).__name__)
def test_the_defaults_keep_their_own_rules(value):
    for field in dataclasses.fields(value):
        rule, kept = field.metadata.get("rule"), getattr(value, field.name)
        if rule is not None and kept is not None and not isinstance(kept, spec.Spec):
            assert rule.accepts(kept), field.name


@pytest.mark.parametrize("value", examples(), ids=lambda value: type(value).__name__)
def test_values_are_frozen_named_and_documented(value):
    cls = type(value)
    assert cls.__doc__
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.anything = None
    assert repr(value).startswith(cls.__name__)
    assert set(value.get_config()) == {field.name for field in dataclasses.fields(value)}
    if cls.kind not in ("plan", "class weight"):
        assert isinstance(spec.get(cls.kind, value), cls)
        assert cls.__name__ in spec.names(cls.kind)


@pytest.mark.parametrize("value", examples(), ids=lambda value: type(value).__name__)
def test_structure_and_numbers_make_the_value_again(value):
    structure, numbers = spec.split(value)
    hash(structure)
    again = spec.merge(structure, numbers)
    for field in dataclasses.fields(value):
        wanted = None if field.metadata.get("host") else getattr(value, field.name)
        if not isinstance(wanted, (spec.Spec, tuple)):
            assert getattr(again, field.name) == wanted
