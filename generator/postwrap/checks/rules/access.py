"""Who may use an instance, and who may change it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host.model import InstanceConfig

theme = Theme("access")

_REGISTERS = ("multi_instance_directories", "alternate_config_directories")


@theme.rule(
    "not-authorised",
    Severity.ERROR,
    "ordinary users may not submit to the instance or list its queue",
    "postconf(5) alternate_config_directories; postdrop(1), security: letter by letter",
)
def not_authorised(picture: Picture) -> Iterator[Hit]:
    """Yield secondaries that the default main.cf does not name letter by letter.

    postdrop and postqueue compare strings: no $name is expanded, a trailing slash is another name.
    Root is never asked, so root does not notice.
    """
    default = picture.host.default
    if default is None or default.error:
        return
    for instance in picture.host.instances:
        if instance.is_default or instance.directory in picture.host.registered:
            continue
        message = f"postdrop and postqueue refuse it to ordinary users: {_why(picture, instance)}"
        yield Hit(instance.directory, message, register(default, instance.directory))


def _why(picture: Picture, instance: InstanceConfig) -> str:
    directory = instance.directory
    for word in picture.host.registered:
        if word.rstrip("/") == directory:
            return f"the default main.cf names {word}, and the spelling must be the same"
    if directory in picture.host.registered_expanded:
        return "the default main.cf names it by a $parameter, which is not expanded here"
    return f"the default main.cf names {directory} in neither {' nor '.join(_REGISTERS)}"


def register(default: InstanceConfig, directory: str, before: str = "") -> str:
    """Return the command that names ``directory``, in place of another spelling if there is one.

    ``before`` is what it was called so far.
    """
    for name in _REGISTERS:
        words = default.settings.get(name, "").replace(",", " ").split()
        old = {directory, before or directory}
        spelt = [directory if w.rstrip("/") in old else w for w in words]
        if spelt != words:
            return remedies.edit(default, **{name: " ".join(dict.fromkeys(spelt))})
    words = default.settings.get(_REGISTERS[1], "").replace(",", " ").split()
    if directory in words:
        return ""
    return remedies.edit(default, **{_REGISTERS[1]: " ".join((*words, directory))})


@theme.rule(
    "unreadable",
    Severity.ERROR,
    "ordinary users cannot read main.cf, so all they submit is refused",
    "sendmail(1), security: it reads main.cf with the caller's rights",
)
def unreadable(picture: Picture) -> Iterator[Hit]:
    """Yield instances whose main.cf is not for all to read, or a directory not to pass."""
    for instance in picture.host.instances:
        shut = closed(instance)
        if not shut:
            continue
        modes = " && ".join(
            f"chmod o+{'x' if is_directory else 'r'} {remedies.quoted(path)}"
            for path, is_directory in shut
        )
        what = " and ".join(path for path, _ in shut)
        message = f"{what} cannot be read by ordinary users: what they submit fails with status 75"
        yield Hit(instance.directory, message, modes)


def closed(instance: InstanceConfig) -> list[tuple[str, bool]]:
    """Return what keeps ordinary users from main.cf, and whether each is a directory."""
    main = f"{instance.directory}/main.cf"
    above = [str(parent) for parent in reversed(PurePosixPath(main).parents)]
    files = instance.files
    shut = [(d, True) for d in above if d in files and not files[d].mode & 0o001]
    if main in files and not files[main].mode & 0o004:
        shut.append((main, False))
    return shut


@theme.rule(
    "nobody-may-submit",
    Severity.WARNING,
    "authorized_submit_users is empty: every submission by sendmail is refused",
    "postconf(5) authorized_submit_users; postmulti(1) create sets it so",
)
def nobody_may_submit(picture: Picture) -> Iterator[Hit]:
    """Yield instances that postmulti made for SMTP alone and whose sendmail always fails."""
    for instance in picture.host.readable:
        name = "authorized_submit_users"
        if name in instance.settings and not instance.get(name):
            message = f"{name} is empty: everyone's submission by sendmail fails with status 75"
            yield Hit(instance.directory, message, remedies.drop(instance, [name]))


@theme.rule(
    "registered-missing",
    Severity.ERROR,
    "multi_instance_directories names a directory that is not an instance: postmulti fails",
    "postmulti(1): it reads every instance first",
)
def registered_missing(picture: Picture) -> Iterator[Hit]:
    """Yield the directories that postmulti, and Debian 12's units with it, stumble over."""
    default, name = picture.host.default, "multi_instance_directories"
    known = {i.directory for i in (*picture.host.instances, *picture.host.copies)}
    known |= {problem.subject for problem in picture.problems}
    words = default.words(name) if default else []
    missing = [word for word in words if word.rstrip("/") not in known]
    if default and missing:
        message = (
            f"{name} names {', '.join(missing)}, which is not an instance: postmulti fails for all"
        )
        rest = " ".join(word for word in words if word not in missing)
        yield Hit(default.directory, message, remedies.edit(default, **{name: rest}))
