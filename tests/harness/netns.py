"""Sockets in another network namespace, used from here."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CLONE_NEWNET = 0x40000000


def socket_in(pid: int, make: Callable[[], socket.socket]) -> socket.socket:
    """Make a socket in the network namespace of process `pid`: it stays there for its life.

    A thread of its own enters the namespace and ends there; os.setns needs Python 3.12.
    """
    made: list[socket.socket] = []
    failed: list[OSError] = []

    def enter() -> None:
        try:
            descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(descriptor, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            finally:
                os.close(descriptor)
            made.append(make())
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]
