"""The I/O boundary for searching a log: grep(1) over bytes, so that only what is found is read.

GNU grep looks through a gigabyte in about a second, many words at once. Where grep is another one
(busybox), Python looks through the lines, more slowly.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import IO

from postwrap import programs
from postwrap.logs.files import lines

_NOTHING = 1
"""The exit status of grep where there is no such line."""
_OFFSET = re.compile(rb"(\d+):")


@cache
def has_gnu_grep() -> bool:
    """Whether grep(1) knows what is asked of it here."""
    try:
        said = programs.run(["grep", "-a", "-b", "-F", "-e", "x"])
    except FileNotFoundError:
        return False
    return said.returncode == _NOTHING and not said.stderr


def found(
    text: int | IO[bytes], words: Sequence[bytes], *, ignores_case: bool
) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of ``text`` that hold one of ``words``, each with the byte it begins at.

    ``text`` is read from where it stands, and bytes are counted from there.
    """
    if has_gnu_grep():
        yield from _by_grep(text, words, ignores_case=ignores_case)
    else:
        yield from _by_python(text, words, ignores_case=ignores_case)


def _by_grep(
    text: int | IO[bytes], words: Sequence[bytes], *, ignores_case: bool
) -> Iterator[tuple[int, bytes]]:
    with _as_file(words) as number:
        options = ["-a", "-b", "-F", *(["-i"] if ignores_case else [])]
        argv = ["grep", *options, "-f", f"/dev/fd/{number}"]
        process = programs.start(
            argv, stdin=text, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, inherited=[number]
        )
    assert process.stdout is not None
    try:
        for line in lines(process.stdout):
            if numbered := _OFFSET.match(line):
                yield int(numbered[1]), line[numbered.end() :]
    finally:
        process.stdout.close()
        process.terminate()
        process.wait()


@contextmanager
def _as_file(words: Sequence[bytes]) -> Iterator[int]:
    """Yield the number of a descriptor to read ``words`` from, one a line."""
    number = os.memfd_create("words")
    try:
        os.write(number, b"\n".join(words))
        os.lseek(number, 0, os.SEEK_SET)
        yield number
    finally:
        os.close(number)


def _by_python(
    text: int | IO[bytes], words: Sequence[bytes], *, ignores_case: bool
) -> Iterator[tuple[int, bytes]]:
    pattern = re.compile(b"|".join(map(re.escape, words)), re.IGNORECASE if ignores_case else 0)
    file = os.fdopen(os.dup(text if isinstance(text, int) else text.fileno()), "rb")
    offset = 0
    for line in lines(file):
        if pattern.search(line):
            yield offset, line
        offset += len(line)
