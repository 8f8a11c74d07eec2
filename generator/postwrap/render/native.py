"""Native wrappers: a program of under a kilobyte, where the shell script starts a shell.

wrappers/native/ holds the code for each kind of machine, made by wrappers/native/build of the
source beside it, which tells what is appended here.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache

from postwrap.resources import templates

_MACHINES = {62: "x86_64", 183: "aarch64"}
"""The numbers in an ELF header (elf(5), e_machine) of the machines that there is code for."""

_SIZES = 64 + 32
"""Where the first program header has the segment's size in the file, and in memory behind it."""

MOST_WORDS = 2
"""The code has room for the real command and one flag (as of sendmail -bp)."""


def machine_of(header: bytes) -> str:
    """Return what machine a program is for that begins with ``header``; "" for no code for it.

    It takes 20 bytes. A wrapper runs where the program runs that it starts.
    """
    is_elf64_little = header[:6] == b"\x7fELF\x02\x01" and len(header) >= 20
    return _MACHINES.get(struct.unpack_from("<H", header, 18)[0], "") if is_elf64_little else ""


def is_native(wrapper: bytes) -> bool:
    """Whether the content of a wrapper is a program and no script."""
    return wrapper.startswith(b"\x7fELF")


def native(machine: str, directory: str, argv: Sequence[str], script: bytes) -> bytes:
    """Return the wrapper that executes ``argv`` with MAIL_CONFIG=``directory``.

    ``script`` is the shell wrapper that it stands for; it is in there to be read. ``argv`` has at
    most MOST_WORDS words.
    """
    words = [f"MAIL_CONFIG={directory}", *argv, ""]
    appended = b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in words)
    made = bytearray(_code(machine) + appended + b"\n" + script)
    struct.pack_into("<QQ", made, _SIZES, len(made), len(made))
    return bytes(made)


@cache
def _code(machine: str) -> bytes:
    return (templates() / "wrappers" / "native" / f"{machine}.bin").read_bytes()
