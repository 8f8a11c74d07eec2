"""Reading a log file in blocks of whole lines: the I/O boundary for whoever reads millions."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.logs.files import LONGEST, NotALogError, open_log

_BLOCK = 1 << 18
"""Bytes."""


def read_blocks(path: str) -> Iterator[str]:
    """Yield the lines of the file ``path`` in blocks, without a last one that is being written.

    A file that is not there has none: postlogd(8) makes it with the first line. No line of Postfix
    is longer than LONGEST bytes: of one that is, the beginning is kept.
    """
    try:
        file = open_log(path)
    except (OSError, NotALogError):
        return
    with file:
        rest = b""
        while block := file.read(_BLOCK):
            whole, end, rest_of_block = block.rpartition(b"\n")
            if end:
                yield (rest + whole).decode(errors="surrogateescape")
                rest = rest_of_block
            else:
                rest = (rest + block)[:LONGEST]
