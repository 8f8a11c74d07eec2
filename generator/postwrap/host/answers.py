"""What Postfix's programs said of each instance, kept for as long as it holds.

Asking costs processes of Postfix for every instance, and most runs of postwrap meet files that
have not changed. An answer is kept with a stamp of all that it hangs on, and asked for again where
one of these has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from postwrap.bundle import Artifact
from postwrap.errors import RefusedError
from postwrap.filesystem import Filesystem
from postwrap.postfix import Postfix
from postwrap.sealed import seal, unseal

DEFAULT_DIRECTORY = "/etc/postfix"
"""The default instance's configuration directory where no Postfix can be asked."""


_SCHEMA = 2

_PRINTED = 4
"""How many outputs of postconf a configuration is made of, beside that of ``-x``."""


@dataclass
class AnswerCache:
    """Answers by configuration directory, each with its stamp; ``mode`` is that of its file.

    ``torn``: there was a file that is no cache, as after a power cut.
    """

    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    torn: bool = False
    mode: int = 0o644

    @classmethod
    def load(cls, filesystem: Filesystem, path: str) -> Self:
        """Return what ``path`` holds; nothing where it cannot be read, for it is only a cache."""
        text = ""
        try:
            text = filesystem.read_text(path)
            known = unseal(text, path, _SCHEMA, frozenset())["answers"]
        except (OSError, RefusedError):
            return cls()
        except (ValueError, KeyError):
            return cls(torn=not _is_of_old(text))
        if not isinstance(known, dict) or not all(map(cls._is_record, known.values())):
            return cls(torn=True)
        return cls(known)

    @staticmethod
    def _is_record(value: Any) -> bool:
        """Whether ``value`` is one of the answers that this cache keeps."""
        raise NotImplementedError

    def artifact(self, path: str, directories: Iterable[str]) -> Artifact:
        """Return the file to keep at ``path``: what is known of ``directories``, no other."""
        kept = {d: self.known[d] for d in ("", *sorted(directories)) if d in self.known}
        return Artifact(path, seal({"schema": _SCHEMA, "answers": kept}), self.mode)

    def _answer(
        self, directory: str, stamp: Mapping[str, Any], ask: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return the answer kept for ``directory``, or what ``ask`` says where ``stamp`` differs.

        A stamp without a main.cf holds for nothing.
        """
        record = self.known.get(directory)
        if record is None or record.get("stamp") != stamp or not stamp["main.cf"]:
            record = {"stamp": stamp, **ask()}
            self.known[directory] = record
        return record


class ParameterCache(AnswerCache):
    """The parameters that discovery asks for; they hang on main.cf, postconf and the host's name.

    None of them may hang on the network: see postwrap.host.discovery.
    """

    @staticmethod
    def _is_record(value: Any) -> bool:
        if not isinstance(value, dict) or not isinstance(value.get("parameters"), dict):
            return False
        return all(isinstance(word, str) for pair in value["parameters"].items() for word in pair)

    def parameters(
        self,
        postfix: Postfix,
        filesystem: Filesystem,
        names: Sequence[str],
        directory: str | None = None,
    ) -> dict[str, str]:
        """Return the parameters ``names`` of the instance in ``directory``, asked or kept.

        None is the default instance. Raises PostfixError where Postfix is asked and cannot
        answer.
        """
        place = directory or DEFAULT_DIRECTORY
        stamp = {**_stamp(postfix, filesystem, place, ("main.cf",)), "names": list(names)}
        record = self._answer(
            place, stamp, lambda: {"parameters": postfix.parameters(names, directory)}
        )
        return dict(record["parameters"])


@dataclass(frozen=True, slots=True)
class Configuration:
    """What postconf prints of one instance.

    ``parameters`` are main.cf's and the defaults, expanded, ``settings`` main.cf's as written;
    ``master`` is master.cf, one line a service; ``expanded`` and ``stated`` are its ``-o``
    overrides by ``name/type/parameter``. ``warnings`` are all that postconf warned of.
    """

    parameters: Mapping[str, str]
    settings: Mapping[str, str]
    master: str
    expanded: Mapping[str, str]
    stated: Mapping[str, str]
    warnings: tuple[str, ...] = ()


@dataclass
class ConfigurationCache(AnswerCache):
    """What postconf says of main.cf and master.cf as they are written.

    The expanded parameters are asked for each time, in one process: they hang on the network, on
    names and on the files of lookup tables. What else postconf prints hangs on main.cf, master.cf,
    postconf itself, and on these parameters, which ``$name`` in master.cf refers to. Warnings come
    with each process, so that only those are kept that the first process does not give.
    Its file is for root alone, as main.cf may be.
    """

    mode: int = 0o600

    @staticmethod
    def _is_record(value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        printed, warnings = value.get("printed", []), value.get("warnings")
        is_configuration = _is_texts(printed) and _is_texts(warnings) and len(printed) == _PRINTED
        return is_configuration or _is_texts(value.get("types"))

    def configuration(
        self, postfix: Postfix, filesystem: Filesystem, directory: str, *, is_default: bool
    ) -> Configuration:
        """Return what postconf prints of the instance in ``directory``, asked or kept.

        Raises PostfixError where postconf cannot answer.
        """
        chosen = None if is_default else directory
        stamp = _stamp(postfix, filesystem, directory, ("main.cf", "master.cf"))
        fresh = postfix.ask(("-x",), directory=chosen)
        parameters = dict(_pairs(fresh.outputs[0]))
        parameters.pop("process_id", None)  # of postconf itself, another one each time
        stamp["parameters"] = _digest(parameters)

        def ask() -> dict[str, Any]:
            more = postfix.ask(("-n",), ("-M",), ("-Px",), ("-P",), directory=chosen)
            extra = [warning for warning in more.warnings if warning not in fresh.warnings]
            return {"printed": list(more.outputs), "warnings": extra}

        record = self._answer(directory, stamp, ask)
        settings, master, overrides, stated = record["printed"]
        return Configuration(
            parameters=parameters,
            # MAIL_CONFIG makes postconf list this one, though main.cf does not hold it.
            settings={n: v for n, v in _pairs(settings) if n != "config_directory"},
            master=master,
            expanded=dict(_pairs(overrides)),
            stated=dict(_pairs(stated)),
            warnings=(*fresh.warnings, *record["warnings"]),
        )

    def table_types(self, postfix: Postfix, filesystem: Filesystem) -> frozenset[str]:
        """Return the types of lookup tables that this Postfix knows, asked or kept.

        They hang on Postfix and on dynamicmaps.cf, which is in meta_directory, most often that of
        the default instance: postfix-wrapper(5).
        """
        maps = ("main.cf", "dynamicmaps.cf", "dynamicmaps.cf.d")
        stamp = _stamp(postfix, filesystem, DEFAULT_DIRECTORY, maps)
        record = self._answer("", stamp, lambda: {"types": postfix.table_types()})
        return frozenset(record["types"])


def _stamp(
    postfix: Postfix, filesystem: Filesystem, directory: str, names: Iterable[str]
) -> dict[str, Any]:
    """Return what the answers hang on, as JSON can keep it: the files ``names`` and the host."""
    return {
        **{name: _identity(filesystem.real(f"{directory}/{name}")) for name in names},
        "postconf": _identity(Path(postfix.postconf)),
        "hostname": os.uname().nodename,
    }


def _is_of_old(text: str) -> bool:
    """Whether ``text`` is a whole cache of postwrap 0.1, which had no check sum."""
    try:
        answers = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(answers, dict) and all(
        isinstance(answer, dict) and "stamp" in answer for answer in answers.values()
    )


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _digest(parameters: Mapping[str, str]) -> str:
    text = json.dumps(sorted(parameters.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _identity(path: Path) -> list[int]:
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _pairs(output: str) -> Iterator[tuple[str, str]]:
    for line in output.splitlines():
        name, equals, value = line.partition(" =")
        if equals:
            yield name.strip(), value.strip()
