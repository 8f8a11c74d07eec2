#!/usr/bin/python
# Copyright: the postwrap authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_info
short_description: List the Postfix instances of a host
description:
  - Lists the default instance and the secondary ones with their state, queues and directories, as
    C(postwrap list) does.
version_added: 0.2.0
author:
  - The postwrap authors (!UNKNOWN)
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
  - module: postwrap.postfix.queue_info
"""

EXAMPLES = r"""
- name: Look at the instances
  postwrap.postfix.instance_info:
  register: postfix

- name: Show those that do not run
  ansible.builtin.debug:
    msg: "{{ postfix.instances | rejectattr('running') | map(attribute='name') }}"
"""

RETURN = r"""
instances:
  description: The instances, the default one first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name, C(default) for the default instance.
      type: str
      returned: always
      sample: out
    suffix:
      description: What the names of its commands end in.
      type: str
      returned: always
      sample: -out
    default:
      description: Whether it is the default instance.
      type: bool
      returned: always
    directory:
      description: Its configuration directory.
      type: str
      returned: always
      sample: /etc/postfix-out
    queue_directory:
      description: Its C(queue_directory); null if postconf failed.
      type: str
      returned: always
      sample: /var/spool/postfix-out
    running:
      description: Whether it runs; null if that is not known.
      type: bool
      returned: always
    queues:
      description: Messages by queue; null if they cannot be read.
      type: dict
      returned: always
      sample:
        active: 0
        deferred: 2
        hold: 0
        incoming: 0
        maildrop: 0
    complete:
      description: Whether the figures are complete.
      type: bool
      returned: always
    unknown:
      description: Why RV(instances[].running) or RV(instances[].queues) is null.
      type: str
      returned: always
    commands:
      description: Whether its commands are V(installed), V(outdated) or V(missing).
      type: str
      returned: always
      sample: installed
    unit:
      description: Its systemd unit; null without systemd.
      type: str
      returned: always
    starts_at_boot:
      description: Whether systemd starts it at boot; null without systemd.
      type: bool
      returned: always
    boot_note:
      description: Why it is not started at boot.
      type: str
      returned: always
    enabled:
      description: C(multi_instance_enable); null where postconf failed.
      type: bool
      returned: always
    role:
      description: The role that it has from postwrap; null for none.
      type: str
      returned: always
      sample: outbound
problems:
  description: Directories that are not served, each with C(subject), C(message) and C(hint).
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
    info(AnsibleModule(argument_spec={}, supports_check_mode=True), "list")


if __name__ == "__main__":
    main()
