# Copyright: the postwrap authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the modules of this collection run postwrap."""

from __future__ import annotations

import json
import typing as t

from ansible.module_utils.basic import AnsibleModule


def document(
    module: AnsibleModule, verb: str, *words: str, declared: dict[str, t.Any] | None = None
) -> dict[str, t.Any]:
    """Return what ``postwrap VERB --json`` prints; end the module where it prints none.

    ``declared`` is given to its standard input. Problems of single instances are in the document.
    """
    command = [module.get_bin_path("postwrap", required=True), verb, "--json", *words]
    data = None if declared is None else json.dumps(declared)
    status, out, err = module.run_command(command, data=data)
    try:
        made: dict[str, t.Any] = json.loads(out)
    except ValueError:
        module.fail_json(msg=err.strip() or out.strip(), cmd=command, rc=status)
    return made


def info(module: AnsibleModule, verb: str, *names: str) -> None:
    """End the module with what ``postwrap VERB --json`` prints of the instances ``names``."""
    module.exit_json(changed=False, **document(module, verb, "--", *names))
