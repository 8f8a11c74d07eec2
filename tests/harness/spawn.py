"""execve(2) with the very lists of arguments and environment that a test gives.

Python's own functions want an environment without doubles and without strings that hold no "=".
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence

_libc = ctypes.CDLL(None, use_errno=True)
_ACTIONS = 512  # more than any C library's posix_spawn_file_actions_t has


def output_of(path: bytes, arguments: Sequence[bytes], environment: Sequence[bytes]) -> bytes:
    """Return what the program ``path`` writes to standard output and standard error.

    ``arguments`` begin with argv[0]. Raises OSError where it cannot be started.
    """
    reader, writer = os.pipe()
    actions = ctypes.create_string_buffer(_ACTIONS)
    _libc.posix_spawn_file_actions_init(actions)
    for stream in (1, 2):
        _libc.posix_spawn_file_actions_adddup2(actions, writer, stream)
    child = ctypes.c_int()
    argv, envp = _array(arguments), _array(environment)
    failed = _libc.posix_spawn(ctypes.byref(child), path, actions, None, argv, envp)
    _libc.posix_spawn_file_actions_destroy(actions)
    os.close(writer)
    try:
        if failed:
            raise OSError(failed, os.strerror(failed), path)
        with open(reader, "rb", closefd=False) as pipe:
            said = pipe.read()
        os.waitpid(child.value, 0)
    finally:
        os.close(reader)
    return said


def _array(words: Sequence[bytes]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * (len(words) + 1))(*words, None)
