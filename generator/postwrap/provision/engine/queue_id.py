"""Queue IDs, short and long: what they are hashed by, and what they end in. Pure."""

from __future__ import annotations

_DIGITS = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
_LONG_HEAD = 10
"""The digits before the ``z`` of a long queue ID: seconds and microseconds."""


def hash_words(name: str) -> str:
    """Return what a queue ID is hashed by: itself, or of a long one its microseconds in hex.

    A long ID is the seconds and four digits of microseconds in base 52, ``z``, and the inode in
    base 51 (postfix src/global/mail_queue.h); a short one begins with the microseconds in hex.
    """
    head, separator, _ = name.rpartition("z")
    if not separator or len(head) < _LONG_HEAD or not set(head[-4:]) <= set(_DIGITS):
        return name
    return f"{_decoded(head[-4:], 52):05X}"


def renumbered(name: str, inode: int) -> str:
    """Return the queue ID ``name`` for a file of another ``inode``, with which it ends."""
    head, separator, _ = name.rpartition("z")
    if separator and len(head) >= _LONG_HEAD:
        return f"{head}z{_encoded(inode, 51)}"
    return f"{name[:5]}{inode:X}"


def _decoded(digits: str, base: int) -> int:
    value = 0
    for digit in digits:
        value = value * base + _DIGITS.index(digit)
    return value


def _encoded(value: int, base: int) -> str:
    digits = ""
    while value:
        value, digit = divmod(value, base)
        digits = _DIGITS[digit] + digits
    return digits or "0"
