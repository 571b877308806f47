"""Hashes of bytes that are the same everywhere and always: FarmHash's Fingerprint64 and SipHash-2-4, as Keras's."""

from __future__ import annotations

from typing import Any

from ..errors import InputError

ALL = (1 << 64) - 1
K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
CROSSING = 0xC6A4A7935BD1E995


def fingerprint(data: bytes) -> int:
    """FarmHash's Fingerprint64 of bytes, 0 … 2⁶⁴ − 1.

    >>> fingerprint(b"") == K2, fingerprint("한국".encode()) % 10
    (True, 1)

    Source: Pike, FarmHash, 2014 (farmhashna::Hash64).
    """
    n = len(data)
    if n <= 16:
        return _to_16(data, n)
    mul = (K2 + 2 * n) & ALL
    if n <= 32:
        a, b, c, d = _word(data) * K1, _word(data, 8), _word(data, n - 8) * mul, _word(data, n - 16) * K2
        return _mixed(_turned(a + b, 43) + _turned(c, 30) + d, a + _turned(b + K2, 18) + c, mul)
    return _to_64(data, n, mul) if n <= 64 else _longer(data, n)


def keyed(data: bytes, first: int, second: int) -> int:
    """SipHash-2-4 of bytes by a key of two numbers, 0 … 2⁶⁴ − 1.

    >>> hex(keyed(bytes(range(15)), 0x0706050403020100, 0x0F0E0D0C0B0A0908))
    '0xa129ca6149be45e5'

    Source: Aumasson & Bernstein, "SipHash: a fast short-input PRF", 2012; the example is theirs.
    """
    first, second = first & ALL, second & ALL
    v = [0x736F6D6570736575 ^ first, 0x646F72616E646F6D ^ second, 0x6C7967656E657261 ^ first,
         0x7465646279746573 ^ second]  # fmt: skip
    end = len(data) // 8 * 8
    last = int.from_bytes(data[end:], "little") | (len(data) & 0xFF) << 56
    for word in (*(_word(data, place) for place in range(0, end, 8)), last):
        v[3] ^= word
        _rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    _rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def joined(first: int, second: int) -> int:
    """One fingerprint of two, as TensorFlow crosses columns by.

    Source: TensorFlow, FingerprintCat64.
    """
    found = first ^ CROSSING
    found ^= _shifted(second * CROSSING) * CROSSING & ALL
    return _shifted(_shifted(found * CROSSING) * CROSSING)


def hashed(text: str, salt: tuple[int, int] | None) -> int:
    """The fingerprint of a string, or its SipHash by a salt."""
    data = text.encode("utf-8", "surrogatepass")
    return fingerprint(data) if salt is None else keyed(data, *salt)


def salt_of(given: Any, layer: str) -> tuple[int, int] | None:
    """A salt as a key of two numbers: one integer stands for both.

    >>> salt_of(133, "Hashing"), salt_of([133, 137], "Hashing"), salt_of(None, "Hashing")
    ((133, 133), (133, 137), None)
    """
    if given is None:
        return None
    pair = tuple(given) if isinstance(given, (tuple, list)) else (given, given)
    if len(pair) != 2 or not all(isinstance(part, int) and not isinstance(part, bool) for part in pair):
        raise InputError(
            "A salt is one or two integers.", where=f"salt of {layer}", expected="133, [133, 137] or None",
            received=repr(given), help="Leave it out to hash as everyone does.",
        )  # fmt: skip
    return pair


# -- helpers -------------------------------------------------------------------------------------------------------


def _word(data: bytes, place: int = 0, size: int = 8) -> int:
    return int.from_bytes(data[place : place + size], "little")


def _turned(value: int, by: int) -> int:
    """Rotated to the right."""
    value &= ALL
    return (value >> by | value << (64 - by)) & ALL


def _shifted(value: int) -> int:
    value &= ALL
    return value ^ value >> 47


def _mixed(u: int, v: int, mul: int) -> int:
    """HashLen16."""
    u, v = u & ALL, v & ALL
    return _shifted((_shifted((u ^ v) * mul) ^ v) * mul) * mul & ALL


def _to_16(data: bytes, n: int) -> int:
    mul = (K2 + 2 * n) & ALL
    if n >= 8:
        a, b = _word(data) + K2, _word(data, n - 8)
        return _mixed(_turned(b, 37) * mul + a, (_turned(a, 25) + b) * mul, mul)
    if n >= 4:
        return _mixed(n + (_word(data, 0, 4) << 3), _word(data, n - 4, 4), mul)
    if n == 0:
        return K2
    y, z = data[0] + (data[n >> 1] << 8), n + (data[n - 1] << 2)
    return _shifted(y * K2 & ALL ^ z * K0 & ALL) * K2 & ALL


def _to_64(data: bytes, n: int, mul: int) -> int:
    a, b, c, d = _word(data) * K2, _word(data, 8), _word(data, n - 8) * mul, _word(data, n - 16) * K2
    y = _turned(a + b, 43) + _turned(c, 30) + d
    z = _mixed(y, a + _turned(b + K2, 18) + c, mul)
    e, f = _word(data, 16) * mul, _word(data, 24)
    g, h = (y + _word(data, n - 32)) * mul, (z + _word(data, n - 24)) * mul
    return _mixed(_turned(e + f, 43) + _turned(g, 30) + h, e + _turned(f + a, 18) + g, mul)


def _longer(data: bytes, n: int) -> int:
    x = (81 * K2 + _word(data)) & ALL
    y = (81 * K1 + 113) & ALL
    z = _shifted(y * K2 + 113) * K2 & ALL
    v, w = (0, 0), (0, 0)
    last = (n - 1) // 64 * 64
    for place in range(0, last, 64):
        x, y, z, v, w = _block(data, place, (x, y, z, v, w), K1, 1)
    mul = (K1 + ((z & 0xFF) << 1)) & ALL
    first = w[0] + (n - 1 & 63)
    v = (v[0] + first & ALL, v[1])
    w = (first + v[0] & ALL, w[1])
    x, y, z, v, w = _block(data, n - 64, (x, y, z, v, w), mul, 9)
    return _mixed(_mixed(v[0], w[0], mul) + _shifted(y) * K0 + z, _mixed(v[1], w[1], mul) + x, mul)


def _block(data: bytes, at: int, state: tuple, mul: int, times: int) -> tuple:
    x, y, z, v, w = state
    x = _turned(x + y + v[0] + _word(data, at + 8), 37) * mul
    y = _turned(y + v[1] + _word(data, at + 48), 42) * mul
    x = (x ^ w[1] * times) & ALL
    y = (y + v[0] * times + _word(data, at + 40)) & ALL
    z = _turned(z + w[0], 33) * mul & ALL
    v = _weak(data, at, v[1] * mul, x + w[0])
    w = _weak(data, at + 32, z + w[1], y + _word(data, at + 16))
    return z, y, x, v, w


def _weak(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """WeakHashLen32WithSeeds."""
    first, z = a + _word(data, at), _word(data, at + 24)
    b = _turned(b + first + z, 21)
    a = first + _word(data, at + 8) + _word(data, at + 16)
    return (a + z) & ALL, (b + _turned(a, 44) + first) & ALL


def _rounds(v: list[int], count: int) -> None:
    """SipHash's round, in place; its rotations go to the left."""
    for _ in range(count):
        v[0], v[2] = (v[0] + v[1]) & ALL, (v[2] + v[3]) & ALL
        v[1], v[3] = _turned(v[1], 51) ^ v[0], _turned(v[3], 48) ^ v[2]
        v[0] = _turned(v[0], 32)
        v[2], v[0] = (v[2] + v[1]) & ALL, (v[0] + v[3]) & ALL
        v[1], v[3] = _turned(v[1], 47) ^ v[2], _turned(v[3], 43) ^ v[0]
        v[2] = _turned(v[2], 32)
