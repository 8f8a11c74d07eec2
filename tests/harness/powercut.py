"""What a power cut may leave: a disk that forgets what was not synced, replayed from strace(1).

A run is recorded with all that it writes. ``Disk`` carries the calls out in memory and knows of
each file which content, and of each directory which names, fsync(2) has brought to the disk. What
was not synced may be there after a cut or may not, of each file and each directory by itself: so
POSIX has it, and file systems do, the more with FUSE and networks. Owner, mode and times are not
looked at.
"""

from __future__ import annotations

import codecs
import os
import random
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CALLS = (
    *("openat", "open", "creat", "write", "pwrite64", "ftruncate", "copy_file_range", "sendfile"),
    *("rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
    *("unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "fsync", "fdatasync"),
)
RECORD = ("strace", "-f", "-y", "-x", "-qq", "-s", "1000000", "-e", f"trace={','.join(CALLS)}")

State = dict[str, bytes | None]
"""Files by path below the top, None for a directory; of a link b"-> " and its target."""

_LINE = re.compile(r"(?P<pid>\d+) +(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)")
_UNFINISHED = re.compile(r"(?P<pid>\d+) +(?P<begun>.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"(?P<pid>\d+) +<\.\.\. \w+ resumed>(?P<rest>.*)")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_HANDLE = re.compile(r"(?P<number>\d+|AT_FDCWD)<(?P<path>[^>]*)>")


@dataclass(eq=False)
class Node:
    """A file, link or directory; ``synced`` and ``kept`` are what the disk has of it."""

    content: bytes = b""
    target: bytes | None = None
    names: dict[str, Node] | None = None
    synced: bytes | None = None
    kept: dict[str, Node] = field(default_factory=dict)

    @classmethod
    def part(cls, root: Path, places: Iterable[str]) -> Node:
        """What is below ``root`` at ``places``, and nothing else of it."""
        top = cls(names={})
        for place in places:
            node = top
            *above, last = PurePosixPath(place).parts[1:]
            for name in above:
                assert node.names is not None
                node = node.names.setdefault(name, cls(names={}))
            assert node.names is not None
            if os.path.lexists(f"{root}{place}"):
                node.names[last] = cls.of(Path(f"{root}{place}"))
        top._keep_all()
        return top

    def _keep_all(self) -> None:
        self.kept = dict(self.names or {})
        for child in self.kept.values():
            child._keep_all()

    @classmethod
    def of(cls, path: Path) -> Node:
        """What is on this machine, all of it synced."""
        if path.is_symlink():
            return cls(target=os.fsencode(path.readlink()))
        if not path.is_dir():
            content = path.read_bytes() if path.is_file() else b""
            return cls(content, synced=content)
        names = {child.name: cls.of(child) for child in path.iterdir()}
        return cls(names=names, kept=dict(names))


@dataclass
class Disk:
    """The disk below the directory ``top``, as the calls so far have made it."""

    top: str
    root: Node
    read: Callable[[str], bytes]
    positions: dict[tuple[str, str], int] = field(default_factory=dict)

    def replay(self, trace: str) -> Iterator[str]:
        """Carry out what was recorded; yield each call that changed something, once it is done."""
        for pid, name, arguments, result in recorded_calls(trace):
            if result >= 0 and self._carry_out(pid, name, arguments):
                yield f"{name}({arguments[:200]})"

    def states(self, seed: object) -> Iterator[tuple[str, State]]:
        """What a cut may leave now: nothing unsynced, all names without contents, and by chance."""
        chance = random.Random(str(seed))
        yield "nothing unsynced", self._state(lambda: False, lambda: False)
        yield "names alone", self._state(lambda: True, lambda: False)
        yield "by chance", self._state(lambda: chance.random() < 0.5, lambda: chance.random() < 0.5)

    def now(self) -> State:
        """What a reader sees."""
        return self._state(lambda: True, lambda: True)

    def _state(self, named: Callable[[], bool], written: Callable[[], bool]) -> State:
        found: State = {}
        waiting = [("", self.root)]
        while waiting:
            path, node = waiting.pop()
            for name, child in ((node.names or {}) if named() else node.kept).items():
                place = f"{path}/{name}"
                if child.names is not None:
                    found[place] = None
                    waiting.append((place, child))
                elif child.target is not None:
                    found[place] = b"-> " + child.target
                else:
                    found[place] = child.content if written() else child.synced or b""
        return found

    # -- the calls

    def _carry_out(self, pid: str, name: str, arguments: str) -> bool:
        handles = [*_HANDLE.finditer(_STRING.sub('""', arguments))]
        strings = [codecs.escape_decode(s.encode("latin-1"))[0] for s in _STRING.findall(arguments)]
        if name in {"fsync", "fdatasync"}:
            return self._sync(handles[0]["path"])
        if name in {"write", "pwrite64"}:
            return bool(strings) and self._write(pid, handles[0], bytes(strings[0]))
        if name == "ftruncate":
            return self._truncate(handles[0]["path"], int(arguments.rpartition(",")[2]))
        if name in {"copy_file_range", "sendfile"}:
            source, target = handles[:2] if name == "copy_file_range" else handles[1::-1]
            return self._copy(pid, source["path"], target)
        paths = [os.fsdecode(bytes(s)) for s in strings]
        if "at" in name[-3:] or name == "renameat2":
            above = [h["path"] for h in handles]
            if name == "symlinkat":
                paths[1] = f"{above[0]}/{paths[1]}" if paths[1][:1] != "/" else paths[1]
            else:
                paths = [
                    p if p[:1] == "/" else f"{above[min(i, len(above) - 1)]}/{p}"
                    for i, p in enumerate(paths)
                ]
        return self._named(pid, name, paths, arguments)

    def _named(self, pid: str, name: str, paths: list[str], arguments: str) -> bool:
        if name in {"openat", "open", "creat"}:
            return self._open(pid, paths[0], arguments)
        if name.startswith("mkdir"):
            return self._put(paths[0], Node(names={}))
        if name.startswith("symlink"):
            return self._put(paths[1], Node(target=os.fsencode(paths[0])))
        if name.startswith(("unlink", "rmdir")):
            return self._take(paths[0]) is not None
        node = self._find(paths[0]) if name.startswith("link") else self._take(paths[0])
        return self._put(paths[1], node) if node else False

    def _open(self, pid: str, path: str, arguments: str) -> bool:
        if not re.search("O_WRONLY|O_RDWR", arguments):
            return False
        node = self._find(path)
        self.positions = {k: v for k, v in self.positions.items() if k != (pid, path)}
        if node is None:
            return "O_CREAT" in arguments and self._put(path, Node())
        if "O_TRUNC" in arguments:
            node.content = b""
        if "O_APPEND" in arguments:
            self.positions[pid, path] = len(node.content)
        return "O_TRUNC" in arguments

    def _write(self, pid: str, handle: re.Match[str], data: bytes) -> bool:
        path = handle["path"]
        node = self._find(path)
        if node is None or node.names is not None:
            return False
        at = self.positions.get((pid, path), 0)
        node.content = node.content[:at].ljust(at, b"\0") + data + node.content[at + len(data) :]
        self.positions[pid, path] = at + len(data)
        return True

    def _truncate(self, path: str, length: int) -> bool:
        if node := self._find(path):
            node.content = node.content[:length].ljust(length, b"\0")
        return node is not None

    def _copy(self, pid: str, source: str, target: re.Match[str]) -> bool:
        node = self._find(source)
        if self._find(target["path"]) is None or self.positions.get((pid, target["path"])):
            return False
        return self._write(pid, target, node.content if node else self.read(source))

    def _sync(self, path: str) -> bool:
        node = self._find(path)
        if node is None:
            return False
        if node.names is None:
            node.synced = node.content
        else:
            node.kept = dict(node.names)
        return True

    # -- the tree

    def _parts(self, path: str) -> list[str] | None:
        place = os.path.normpath(path)
        if place == (self.top or "/"):
            return []
        return place[len(self.top.rstrip("/")) + 1 :].split("/") if self._holds(place) else None

    def _holds(self, place: str) -> bool:
        return place.startswith(f"{self.top.rstrip('/')}/")

    def _find(self, path: str) -> Node | None:
        parts = self._parts(path)
        node: Node | None = self.root if parts is not None else None
        for part in parts or ():
            node = (node.names or {}).get(part) if node else None
        return node

    def _put(self, path: str, node: Node) -> bool:
        above = self._find(str(PurePosixPath(path).parent))
        if above is None or above.names is None:
            return False
        above.names[PurePosixPath(path).name] = node
        return True

    def _take(self, path: str) -> Node | None:
        above = self._find(str(PurePosixPath(path).parent))
        return above.names.pop(PurePosixPath(path).name, None) if above and above.names else None


def recorded_calls(trace: str) -> Iterator[tuple[str, str, str, int]]:
    """Yield the calls in the order in which they ended."""
    begun: dict[str, str] = {}
    for raw in trace.splitlines():
        line = raw
        if match := _UNFINISHED.match(line):
            begun[match["pid"]] = match["begun"]
            continue
        if match := _RESUMED.match(line):
            line = f"{match['pid']} {begun.pop(match['pid'], '')}{match['rest']}"
        if match := _LINE.match(line):
            yield match["pid"], match["name"], match["arguments"], int(match["result"])


def lay_out(state: State, modes: dict[str, int], root: Path) -> None:
    """Make the files of a state below ``root``, an empty directory."""
    for path in sorted(state):
        content, place = state[path], Path(f"{root}{path}")
        if content is None:
            place.mkdir()
        elif content.startswith(b"-> "):
            place.symlink_to(os.fsdecode(content[3:]))
        else:
            place.write_bytes(content)
            place.chmod(modes.get(path, 0o600))
