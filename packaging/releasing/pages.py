"""Write postwrap(8) and postwrap.toml(5), compressed, as a package of postwrap has them.

Arguments: the directory with the module postwrap, that of the manual, and "debian" for Debian's
packages, whose zsh completions are elsewhere. Exit status 2 for other arguments.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path, PurePosixPath


def main(modules: str, manual: str, *system: str) -> None:
    """Render the pages, by the postwrap that is in ``modules``."""
    sys.path.insert(0, modules)
    from postwrap.checks import RULES
    from postwrap.cli.program import program
    from postwrap.layout import SYSTEM_PREFIX, system_layout
    from postwrap.render.manpages import shared_manpages

    layout = system_layout(SYSTEM_PREFIX, debian="debian" in system)
    codes = sorted((rule.code, rule.summary) for rule in RULES)
    for page in shared_manpages(layout, program(), codes):
        target = Path(manual, PurePosixPath(page.path).relative_to(layout.man))
        target.parent.mkdir(parents=True, exist_ok=True)
        # The first line says how the page of an installation is made again.
        _, text = page.content.split(b"\n", 1)
        compressed = gzip.compress(text, compresslevel=9, mtime=0)
        target.with_name(f"{target.name}.gz").write_bytes(compressed)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(2)
    main(*sys.argv[1:])
