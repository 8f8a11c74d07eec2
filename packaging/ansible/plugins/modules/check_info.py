#!/usr/bin/python
# Copyright: the postwrap authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: check_info
short_description: Find mistakes that come with several Postfix instances
description:
  - Reports what C(postwrap check) finds, each finding with its remedy.
  - Findings are no failure of the module; see the example.
version_added: 0.2.0
author:
  - The postwrap authors (!UNKNOWN)
options:
  names:
    description:
      - The instances to check; all where none is named.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: It changes nothing.
  diff_mode:
    support: none
    description: It changes nothing.
  platform:
    support: full
    platforms: linux
    description: Hosts that have Postfix and postwrap.
seealso:
  - module: postwrap.postfix.instance
"""

EXAMPLES = r"""
- name: Stop where a mistake keeps mail from being delivered
  postwrap.postfix.check_info:
  register: checked
  failed_when: checked.findings | selectattr("severity", "equalto", "error") | length > 0
"""

RETURN = r"""
findings:
  description: The findings, by instance.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description: What kind of mistake it is; postwrap(8) lists the codes.
      type: str
      returned: always
    severity:
      description: V(error), V(warning) or V(note).
      type: str
      returned: always
      sample: error
    instance:
      description: A configuration directory; null for the whole host.
      type: str
      returned: always
      sample: /etc/postfix-out
    message:
      description: What is wrong.
      type: str
      returned: always
    remedy:
      description: The shell line that corrects it; empty where there are choices.
      type: str
      returned: always
    choices:
      description: The remedies with C(when) and C(remedy), where the right one depends on intent.
      type: list
      elements: dict
      returned: always
    source:
      description: The manual or document that says so.
      type: str
      returned: always
checked:
  description: The configuration directories of the instances.
  returned: success
  type: list
  elements: str
  sample: [/etc/postfix, /etc/postfix-out]
unseen:
  description: What the user who runs it cannot read.
  returned: success
  type: list
  elements: str
  sample: []
schema:
  description: The version of the JSON document.
  returned: success
  type: int
  sample: 1
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.postwrap.postfix.plugins.module_utils.command import info


def main() -> None:
    names = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(argument_spec={"names": names}, supports_check_mode=True)
    info(module, "check", *module.params["names"])


if __name__ == "__main__":
    main()
