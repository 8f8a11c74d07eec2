"""The I/O boundary to Postfix's programs."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from postwrap import programs
from postwrap.errors import PostwrapError

_MACRO = "macro processing error"


class PostfixError(PostwrapError):
    """A program of Postfix failed; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What postconf printed for each request, and what it warned of, each warning once."""

    outputs: tuple[str, ...]
    warnings: tuple[str, ...]


class Postfix:
    """Postfix as installed on this host, found by its ``postconf``."""

    def __init__(self, postconf: str) -> None:
        self.postconf = postconf
        self.started = 0
        """How many processes were started; the benchmarks print it."""

    @classmethod
    def locate(cls) -> Postfix | None:
        """Return the Postfix of this host, None where none is installed."""
        postconf = programs.find("postconf")
        return cls(postconf) if postconf else None

    def program(self, name: str) -> str:
        """Return the path of another of Postfix's programs, which lies beside postconf."""
        return str(Path(self.postconf).with_name(name))

    def run(
        self,
        *argv: str,
        directory: str | None = None,
        text: str = "",
        seconds: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of Postfix for the instance in ``directory`` and return how it ended.

        Its standard input is ``text``. Raises subprocess.TimeoutExpired after ``seconds``.
        """
        self.started += 1
        chosen = {} if directory is None else {"MAIL_CONFIG": directory}
        return programs.run(argv, environment=chosen, text=text, seconds=seconds)

    def parameters(self, names: Sequence[str], directory: str | None = None) -> dict[str, str]:
        """Return the expanded values of the parameters ``names`` of the instance in ``directory``.

        None is the default instance. A parameter that this Postfix does not know is left out.
        Raises PostfixError with postconf's own words where main.cf cannot be read.
        """
        result = self.run(self.postconf, "-x", *names, directory=directory)
        if result.returncode and "inet_interfaces" in result.stderr:
            # The host lacks an address that main.cf names. What is asked here does not hang on it.
            blank = ("-o", "inet_interfaces=")
            result = self.run(self.postconf, *blank, "-x", *names, directory=directory)
        if result.returncode:
            raise _unread(result.stderr, directory)
        return dict(_pairs(result.stdout))

    def ask(self, *requests: Sequence[str], directory: str | None = None) -> Answers:
        """Return what postconf prints for each of ``requests`` (its options), and its warnings.

        Where the host lacks an address that inet_interfaces names, mynetworks cannot be computed;
        it then comes as the loopback network alone, all the rest as it is. Raises PostfixError
        with postconf's own words where main.cf or master.cf cannot be read.
        """
        outputs: list[str] = []
        warnings: dict[str, None] = {}
        for request in requests:
            result = self.run(self.postconf, *request, directory=directory)
            if result.returncode and "inet_interfaces" in result.stderr:
                given = ("-o", "mynetworks=127.0.0.0/8")
                result = self.run(self.postconf, *given, *request, directory=directory)
            if result.returncode:
                raise _unread(result.stderr, directory)
            outputs.append(result.stdout)
            warnings |= dict.fromkeys(_warnings(result.stderr))
        return Answers(tuple(outputs), tuple(warnings))

    def refusal(self, postmap: str, directory: str | None = None) -> str:
        """Return why Postfix's programs refuse the settings that postconf has read, "" if not.

        postconf does not judge values; ``postmap``, which is asked for nothing, reads those that
        all programs share. It warns where the host lacks an address, and that is no refusal.
        """
        if not os.access(postmap, os.X_OK):
            return ""
        result = self.run(postmap, "-q", "postwrap", "static:yes", directory=directory)
        fatal = "fatal:" in result.stderr and "inet_interfaces" not in result.stderr
        return _last_words(result.stderr) if result.returncode and fatal else ""

    def status(self, directory: str) -> str:
        """Return why ``postfix status`` refuses the instance in ``directory``, "" if it does not.

        It reads main.cf, enters the queue directory and runs postfix-script: what it refuses can
        be neither started nor stopped. It changes nothing, and logs a line.
        """
        return self._refused(self.program("postfix"), "-c", directory, "status")

    def instances_refusal(self) -> str:
        """Return why ``postmulti -l`` refuses the instances of this host, "" if it does not."""
        return self._refused(self.program("postmulti"), "-l")

    def _refused(self, *argv: str) -> str:
        """Return the fatal words of a program that tells them to a terminal alone."""
        self.started += 1
        return _last_words(_fatal(programs.told(argv)))

    def defaults(self, names: Sequence[str]) -> dict[str, str]:
        """Return the built-in values of the parameters ``names``, no main.cf read."""
        return dict(_pairs(self.run(self.postconf, "-dx", *names).stdout))

    def stated(self, directory: str | None = None) -> dict[str, str]:
        """Return what main.cf states itself, each value as it stands there, unexpanded."""
        pairs = _pairs(self._answer("-n", directory=directory))
        # MAIL_CONFIG makes postconf list this one, though main.cf does not hold it.
        return {name: value for name, value in pairs if name != "config_directory"}

    def services(self, directory: str | None = None) -> list[str]:
        """Return the entries of master.cf, one a line, as ``postconf -M`` spells them."""
        blank = ("-o", "inet_interfaces=")
        return self._answer(*blank, "-M", directory=directory).splitlines()

    def overrides(self, directory: str | None = None) -> dict[str, str]:
        """Return the parameters that master.cf sets by ``-o``, as ``smtp/inet/content_filter``."""
        return dict(_pairs(self._answer("-o", "inet_interfaces=", "-P", directory=directory)))

    def table_types(self) -> list[str]:
        """Return the types of lookup tables that this Postfix knows."""
        return self.run(self.postconf, "-m").stdout.split()

    def _answer(self, *options: str, directory: str | None) -> str:
        result = self.run(self.postconf, *options, directory=directory)
        if result.returncode:
            raise _unread(result.stderr, directory)
        return result.stdout


def _unread(said: str, directory: str | None) -> PostfixError:
    """Return the error that postconf ended with where it could not read a configuration."""
    message = _last_words(said) or "postconf failed"
    chosen = f" -c {shlex.quote(directory)}" if directory else ""
    if os.strerror(errno.EACCES) in message:
        return PostfixError(message, f"run as root, or let others read it; test: postconf{chosen}")
    return PostfixError(message, f"correct it; test: postconf{chosen} -x >/dev/null")


def _pairs(output: str) -> list[tuple[str, str]]:
    lines = (line.partition(" =") for line in output.splitlines())
    return [(name, value.strip()) for name, equals, value in lines if equals]


def _warnings(stderr: str) -> list[str]:
    """Return the warnings of a Postfix program's standard error, without its program's name."""
    lines = (line.partition(": warning: ") for line in stderr.splitlines())
    return [warning for _, found, warning in lines if found]


def _fatal(stderr: str) -> str:
    """Return the fatal lines of ``stderr``, and the warnings, which explain some of them.

    An address that the host lacks is none of these: it may come.
    """
    lines = [x for x in stderr.splitlines() if "fatal: " in x or ": warning: " in x]
    told = [x for x in lines if "inet_interfaces" not in x]
    return "\n".join(told) if any("fatal: " in x for x in told) else ""


def _last_words(stderr: str) -> str:
    """Return the fatal line of a Postfix program's standard error, without its program's name.

    A fatal "macro processing error" tells nothing; the warning before it tells what and where.
    """
    lines = [line for line in stderr.splitlines() if "fatal:" in line] or stderr.splitlines()
    words = lines[-1].split("fatal: ", 1)[-1] if lines else ""
    before = _warnings(stderr) if words == _MACRO else []
    return f"{words}: {before[-1]}" if before else words
