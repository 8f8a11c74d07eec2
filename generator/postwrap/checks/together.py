"""All remedies of one report, made to be pasted together in their order. Pure.

Each rule writes its remedy as if nothing else were wrong. Where two write one parameter, both
write what does for both; where one renames or removes a line of master.cf, the later ones follow.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from postwrap.checks import remedies
from postwrap.checks.model import Finding
from postwrap.host.model import HostModel, InstanceConfig

_MEET = frozenset(("inet_interfaces",))
"""Lists that each remedy takes something out of."""
_LISTS = frozenset(
    (
        *("mynetworks", "master_service_disable"),
        *("alternate_config_directories", "multi_instance_directories"),
    )
)
"""Lists that a remedy adds to or takes out of."""

_Key = tuple[str, str]
"""A configuration directory, and a parameter or ``service/type/parameter``."""


@dataclass
class _Command:
    """A command of a remedy; of postconf, what it works on. ``words`` is None for any other."""

    text: str
    directory: str = ""
    option: str = ""
    words: list[str] | None = None

    def __str__(self) -> str:
        if self.words is None:
            return self.text
        if not self.words:
            return ""
        chosen = ("-c", self.directory) if "-c" in shlex.split(self.text)[1:2] else ()
        return remedies.words("postconf", *chosen, self.option, *self.words)

    def writes(self) -> Iterator[tuple[_Key, str]]:
        """Yield what it sets."""
        for word in self.words or () if self.option in {"-e", "-P"} else ():
            name, _, value = word.partition("=")
            yield (self.directory, name), value


def together(found: Sequence[Finding], host: HostModel) -> list[Finding]:
    """Return ``found`` with remedies that do not undo one another."""
    default = host.default.directory if host.default else ""
    parsed = [[_parse(text, default) for text in _split(f.remedy)] for f in found]
    settled = _settle(parsed, {i.directory: i for i in host.instances})
    lines = _Lines()
    result = []
    for finding, commands in zip(found, parsed, strict=True):
        own = {key for command in commands for key, _ in command.writes()}
        for command in commands:
            _write(command, settled, own)
            lines.follow(command)
        for command in commands:
            lines.note(command)
        whole = all(c.words is None for c in commands)
        text = finding.remedy if whole else remedies.both(*map(str, commands))
        result.append(replace(finding, remedy=text))
    return result


def _split(remedy: str) -> list[str]:
    """Return the commands of ``remedy`` between ``&&`` that are outside quotes."""
    parts, quote, start, place = [], "", 0, 0
    while place < len(remedy):
        char = remedy[place]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif remedy.startswith(" && ", place):
            parts.append(remedy[start:place])
            start = place + 4
            place += 3
        place += 1
    return [*parts, remedy[start:]]


def _parse(text: str, default: str) -> _Command:
    """Return ``text`` taken apart, where it is a plain command of postconf."""
    plain = _Command(text)
    if not text.startswith("postconf ") or "$(" in text:
        return plain
    try:
        words = shlex.split(text)[1:]
    except ValueError:
        return plain
    directory = default
    if words[:1] == ["-c"]:
        directory, words = words[1], words[2:]
    if len(words) < 2 or any(w in {"|", ";", "2>/dev/null", ">"} for w in words):
        return plain
    return _Command(text, directory, words[0], words[1:])


def _settle(
    parsed: Iterable[Iterable[_Command]], instances: Mapping[str, InstanceConfig]
) -> dict[_Key, str]:
    """Return the one value of each parameter that is written."""
    values: dict[_Key, list[str]] = defaultdict(list)
    for command in (c for commands in parsed for c in commands):
        for key, value in command.writes():
            values[key].append(value)
    return {key: _one(key, found, instances.get(key[0])) for key, found in values.items()}


def _one(key: _Key, values: Sequence[str], instance: InstanceConfig | None) -> str:
    """Return the value that does for all who write ``values``: of a list, all their changes."""
    name = key[1].rpartition("/")[2]
    if len(set(values)) == 1 or name not in _MEET | _LISTS:
        return values[0]
    lists = [_listed(value) for value in values]
    if name in _MEET:
        common = [word for word in lists[0] if all(word in other for other in lists)]
        return ", ".join(common) or values[0]
    before = instance.words(name) if instance and "/" not in key[1] else []
    gone = {word for word in before for other in lists if word not in other}
    kept = dict.fromkeys(word for other in lists for word in other if word not in gone)
    return (" " if " " in values[0] and "," not in values[0] else ", ").join(kept)


def _listed(value: str) -> list[str]:
    return value.replace(",", " ").split()


def _write(command: _Command, settled: Mapping[_Key, str], own: set[_Key]) -> None:
    """Make ``command`` write what is settled, and remove nothing that another one writes."""
    if command.words and command.option in {"-e", "-P"}:
        names = [word.partition("=")[0] for word in command.words]
        command.words = [f"{n}={settled[command.directory, n]}" for n in names]
    elif command.words and command.option in {"-X", "-PX"}:
        is_free = [(command.directory, n) not in settled for n in command.words]
        is_mine = [(command.directory, n) in own for n in command.words]
        pairs = zip(command.words, is_free, is_mine, strict=True)
        command.words = [name for name, free, mine in pairs if free or mine]


@dataclass
class _Lines:
    """What became of lines of master.cf: their new names, "" for one that is gone."""

    names: dict[_Key, str] = field(default_factory=dict)

    def follow(self, command: _Command) -> None:
        """Let ``command`` name lines as the remedies before it left them."""
        if command.words and command.option in {"-F", "-P", "-PX", "-M#", "-MX"}:
            words = [self._now(command.directory, word) for word in command.words]
            command.words = [word for word in words if word]

    def _now(self, directory: str, word: str) -> str:
        for (where, old), new in self.names.items():
            if where == directory and (word == old or word.startswith(f"{old}/")):
                return new + word.removeprefix(old) if new else ""
        return word

    def note(self, command: _Command) -> None:
        """Remember what ``command`` renames or removes."""
        for word in command.words or ():
            key, _, name = word.partition("/service=")
            if command.option == "-F" and name:
                self.names[command.directory, key] = f"{name}/{key.rpartition('/')[2]}"
            elif command.option in {"-M#", "-MX"}:
                self.names[command.directory, word] = ""
