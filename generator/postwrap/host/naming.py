"""Postfix instances and their names; this module knows nothing of the host it runs on.

An instance is a directory with a regular main.cf and master.cf. Its *suffix* is what makes its
commands: ``/etc/postfix-out`` has the suffix ``-out``, so its queue is listed by ``mailq-out``.
Its *name* is what a person calls it on the command line: ``out``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from postwrap.errors import RefusedError
from postwrap.suggest import did_you_mean

DEFAULT_SUFFIX = "-default"
"""The suffix of the default instance's wrappers, unless the settings name another."""

_STEM = "postfix"
_REMOVED = re.compile(r"\.removed-\d[0-9-]*\Z")
_SAFE = re.compile(r"[A-Za-z0-9._-]+\Z")


@dataclass(frozen=True, slots=True)
class Instance:
    """One Postfix instance.

    ``directory`` is the configuration directory, spelled as Postfix is to be given it in
    MAIL_CONFIG: the set-gid commands compare it letter by letter with the default main.cf
    (postfix src/global/mail_conf.c, "untrusted configuration directory name").
    ``parameters`` holds what postconf said of it, expanded; it is empty where nobody asked or
    postconf could not answer.
    """

    directory: str
    suffix: str
    is_default: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """What the instance is called on the command line: ``out``, ``2``, ``default``."""
        return "default" if self.is_default else self.suffix.lstrip("-.") or self.suffix

    @property
    def service_name(self) -> str:
        """The last part of the configuration directory, ``postfix-out``."""
        return PurePosixPath(self.directory).name

    def answers_to(self, word: str) -> bool:
        """Whether ``word`` on the command line means this instance: name, last part, directory."""
        return word in {self.name, self.service_name, self.directory} or (
            word.startswith("/") and word.rstrip("/") == self.directory
        )


def is_safe(text: str) -> bool:
    """Whether every character of ``text`` is one of ``A-Z a-z 0-9 . _ -``."""
    return bool(_SAFE.match(text))


def is_removed(directory: str) -> bool:
    """Whether ``directory`` is what ``postwrap remove`` keeps of an instance that was."""
    return bool(_REMOVED.search(directory))


def suffix_of(directory: str, multi_instance_name: str = "") -> str:
    """Return the suffix of the instance in ``directory``: ``-out`` for ``/etc/postfix-out``.

    A directory whose last part does not begin with ``postfix`` takes ``-`` and its
    ``multi_instance_name``, or its own last part.
    """
    last = PurePosixPath(directory).name
    if last.startswith(_STEM) and last != _STEM:
        return last.removeprefix(_STEM)
    return "-" + (multi_instance_name or last)


def select(instances: Sequence[Instance], words: Iterable[str]) -> tuple[Instance, ...]:
    """Return the instances that ``words`` name, all of them where there is no word.

    Raises RefusedError for a word that no instance answers to, or more than one does.
    """
    chosen: dict[str, Instance] = {}
    for word in words:
        found = find(instances, word)
        chosen[found.directory] = found
    return tuple(chosen.values()) or tuple(instances)


def find(instances: Sequence[Instance], word: str) -> Instance:
    """Return the one instance that answers to ``word``; RefusedError where there is not just one.

    A directory spelled in full always wins over a name.
    """
    found = [i for i in instances if i.answers_to(word)]
    exact = [i for i in found if word.startswith("/")] or found
    if not exact:
        names = (instance.name for instance in instances)
        remedy = did_you_mean(word, names, "postwrap list shows the instances")
        raise RefusedError(f"{word}: no such instance", remedy)
    if len(exact) > 1:
        choices = " or ".join(i.directory for i in exact)
        raise RefusedError(f"{word}: the name of more than one instance", f"write {choices}")
    return exact[0]


def own_maillog(path: str, suffix: str) -> str:
    """Return a file for the instance with ``suffix`` beside ``path``: ``/var/log/mail-out.log``."""
    stem, dot, ending = path.rpartition(".")
    return f"{stem}{suffix}.{ending}" if dot and "/" not in ending else f"{path}{suffix}"
