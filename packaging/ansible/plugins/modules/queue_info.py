#!/usr/bin/python
# Copyright: the postwrap authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: queue_info
short_description: Tell what waits in the queues of Postfix instances, and why
description:
  - Counts the messages of each instance by queue, domain, age and reason, as C(postwrap queue) does.
version_added: 0.2.0
author:
  - The postwrap authors (!UNKNOWN)
options:
  names:
    description:
      - The instances to look at; all where none is named.
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
  - module: postwrap.postfix.instance_info
"""

EXAMPLES = r"""
- name: Wait until the queue of out is empty
  postwrap.postfix.queue_info:
    names: [out]
  register: waiting
  until: waiting.instances | default([]) | sum(attribute="messages") == 0
  retries: 60
  delay: 10
"""

RETURN = r"""
instances:
  description: The instances, what needs looking at first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the instance.
      type: str
      returned: always
      sample: out
    directory:
      description: Its configuration directory.
      type: str
      returned: always
      sample: /etc/postfix-out
    running:
      description: Whether it runs; null if that is not known.
      type: bool
      returned: always
    complete:
      description: Whether all of its queue was read; else the figures are too low.
      type: bool
      returned: always
    queues:
      description: Messages by queue.
      type: dict
      returned: always
      sample:
        active: 0
        deferred: 2
        hold: 0
        incoming: 0
        maildrop: 0
    messages:
      description: All of them.
      type: int
      returned: always
      sample: 2
    bytes:
      description: Their size.
      type: int
      returned: always
    oldest_seconds:
      description: The age of the oldest; null for an empty queue.
      type: int
      returned: always
    saturated:
      description: Services that have no process left for the mail that waits.
      type: list
      elements: str
      returned: always
    domains:
      description:
        - The 10 domains with most recipients, each with C(domain), C(recipients) and C(by_age).
      type: list
      elements: dict
      returned: always
    reasons:
      description: The 10 reasons that most recipients have, each with C(reason) and C(recipients).
      type: list
      elements: dict
      returned: always
    ages_minutes:
      description: The upper ends of C(by_age); the last number there is what is older.
      type: list
      elements: int
      returned: always
problems:
  description:
    - Queues that cannot be read and instances that are not served, each with C(subject), C(message)
      and C(hint).
  returned: success
  type: list
  elements: dict
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
    info(module, "queue", *module.params["names"])


if __name__ == "__main__":
    main()
