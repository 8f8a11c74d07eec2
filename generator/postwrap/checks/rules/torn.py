"""Files of postwrap's own that a power cut has torn."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Keeps, Picture

theme = Theme("postwrap")

_LOST = {
    Keeps.RECORD: "what role and remove put back in other instances is not known",
    Keeps.MANIFEST: "which files postwrap wrote is not known",
    Keeps.CACHE: "it is only a cache, and passed over",
}


@theme.rule(
    "torn-file",
    Severity.WARNING,
    "a file that postwrap keeps is empty or cut off, as after a power cut",
    "postwrap(8): files",
)
def torn_file(picture: Picture) -> Iterator[Hit]:
    """Yield the records, the manifest and the cache that cannot be read."""
    for torn in picture.torn:
        known = picture.host.of(torn.instance)
        message = f"{torn.path} is empty or cut off: {_LOST[torn.keeps]}"
        remedy = {
            Keeps.RECORD: remedies.words("mv", torn.path, f"{torn.path}.torn"),
            Keeps.MANIFEST: remedies.install(picture),
            Keeps.CACHE: remedies.words("rm", torn.path),
        }[torn.keeps]
        yield Hit(torn.instance if known else "", message, remedy)
