#!/usr/bin/python
# Copyright: the postwrap authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance
short_description: Create, change and remove a Postfix instance
description:
  - Brings one secondary Postfix instance to what is declared, by C(postwrap apply).
  - An option that is not given is an option that is not declared. What it had set goes back to the
    value that was there before.
  - A setting that somebody has edited since postwrap wrote it is reported as RV(drift), with a
    warning, and stays.
  - An instance that is created, or changed in how it takes mail, is proved by SMTP. If a step fails,
    those before it are undone.
  - An instance whose queue has mail is not removed, unless O(requeue_to) names who gets it.
  - A run that was killed is finished by the next one.
version_added: 0.2.0
author:
  - The postwrap authors (!UNKNOWN)
options:
  name:
    description:
      - Name of the instance, C(out) for C(/etc/postfix-out).
    type: str
    required: true
  state:
    description:
      - V(present), it is there and runs.
      - V(stopped), it is there, does not run, and the boot does not start it.
      - V(absent), it is not there. No option but O(requeue_to) goes with it.
    type: str
    choices: [present, stopped, absent]
    default: present
  requeue_to:
    description:
      - The instance that gets the mail of one that is removed.
    type: str
  address:
    description:
      - Addresses to listen on, each C(ADDRESS) or C(ADDRESS:PORT).
      - Without any, the instance takes mail from its own sendmail only.
    type: list
    elements: str
  add_address:
    description:
      - Network interface that gets an address which the host lacks.
    type: str
  role:
    description:
      - What the instance is for. The default instance is set up for it too.
    type: str
    choices: [fallback-relay, content-filter, outbound, backup-mx]
  settings:
    description:
      - Parameters of main.cf and their values.
    type: dict
  unset:
    description:
      - Parameters that main.cf shall not state.
    type: list
    elements: str
  services:
    description:
      - Lines of master.cf by C(name/type), as C(postconf -M) prints them. An empty string for a
        service that shall not be there.
    type: dict
  copy:
    description:
      - Whether main.cf and master.cf begin as copies of those of the default instance or of O(from).
        With V(false), they state what is declared and nothing else.
      - True if it is not given.
    type: bool
  from:
    description:
      - Configuration directory to copy, by default that of the default instance.
    type: str
  queue_directory:
    description:
      - C(queue_directory) of the instance.
    type: str
  data_directory:
    description:
      - C(data_directory) of the instance.
    type: str
  syslog_name:
    description:
      - C(syslog_name) of the instance.
    type: str
  group:
    description:
      - C(multi_instance_group) of the instance.
    type: str
  queue_lifetime:
    description:
      - C(maximal_queue_lifetime) of the instance, as V(2d).
    type: str
  tls_cert:
    description:
      - File on the host with the certificate of the instance, PEM.
    type: str
  tls_key:
    description:
      - File on the host with the key of the certificate, PEM.
    type: str
  header_checks:
    description:
      - C(header_checks) of the instance, a file or C(TYPE:FILE).
    type: str
  body_checks:
    description:
      - C(body_checks) of the instance, a file or C(TYPE:FILE).
    type: str
  filter:
    description:
      - Content filter of the role V(content-filter), C(HOST:PORT).
    type: str
  next_hop:
    description:
      - Next hop that the default instance uses for the instance.
    type: str
  hostname:
    description:
      - C(myhostname) of the instance.
    type: str
  helo_name:
    description:
      - C(smtp_helo_name) of the instance.
    type: str
  mynetworks:
    description:
      - C(mynetworks) of the instance, the clients that may relay.
    type: str
  relay_domains:
    description:
      - C(relay_domains) of the instance, what the role V(backup-mx) receives mail for.
    type: str
  same_source_address:
    description:
      - Send from the listening address.
    type: bool
  no_postmulti:
    description:
      - Register the instance in C(alternate_config_directories) instead of
        C(multi_instance_directories).
    type: bool
  no_start:
    description:
      - Leave it as it is whether the instance runs.
    type: bool
  overwrite_edits:
    description:
      - Put back settings that were changed by hand.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Runs C(postwrap apply --dry-run), and returns the shell lines too.
  diff_mode:
    support: full
    description: Shows what C(postwrap apply --diff) shows, main.cf and master.cf as they will be.
  platform:
    support: full
    platforms: linux
    description: Hosts that have Postfix and postwrap.
notes:
  - It needs root.
  - Roles that take the default instance for themselves (V(fallback-relay), V(outbound),
    V(content-filter)) are for one instance each. To declare a whole host, and have such mistakes
    found, give the role P(postwrap.postfix.postwrap#role) a file.
seealso:
  - module: postwrap.postfix.instance_info
  - module: postwrap.postfix.check_info
"""

EXAMPLES = r"""
- name: An instance that sends all mail of the host
  postwrap.postfix.instance:
    name: out
    address: 10.0.0.1
    role: outbound
    settings:
      smtp_destination_rate_delay: 1s

- name: An instance for bulk mail, not running
  postwrap.postfix.instance:
    name: bulk
    address:
      - 10.0.0.2
      - 10.0.0.2:587
    queue_lifetime: 2d
    state: stopped

- name: No such instance, its mail goes to out
  postwrap.postfix.instance:
    name: old
    state: absent
    requeue_to: out
"""

RETURN = r"""
instance:
  description: What became of the instance, or would become of it in check mode.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
      sample: out
    directory:
      description: Its configuration directory; null where it is gone.
      type: str
      returned: always
      sample: /etc/postfix-out
    state:
      description: V(present), V(stopped) or V(absent), as declared.
      type: str
      returned: always
      sample: present
    action:
      description: V(created), V(changed), V(removed) or V(unchanged).
      type: str
      returned: always
      sample: created
    settled:
      description: What was asked for or derived, by what it is called.
      type: dict
      returned: always
      sample:
        address: 10.0.0.1:25
        role: outbound
    notes:
      description: What an administrator should know.
      type: list
      elements: str
      returned: always
    drift:
      description: What was changed by hand; the same as RV(drift).
      type: list
      elements: dict
      returned: always
drift:
  description: What was changed by hand and stays, unless O(overwrite_edits=true).
  returned: success
  type: list
  elements: dict
  contains:
    place:
      description: The configuration directory, file or network device that has it.
      type: str
      returned: always
      sample: /etc/postfix-out
    name:
      description: The parameter, or the line of master.cf.
      type: str
      returned: always
      sample: smtp_helo_timeout
    declared:
      description: Its value as declared; null for not there.
      type: str
      returned: always
      sample: 45s
    found:
      description: Its value as it is; null for not there.
      type: str
      returned: always
      sample: 7s
steps:
  description: The steps that would be taken.
  returned: in check mode
  type: list
  elements: dict
  contains:
    title:
      description: What the step does.
      type: str
      returned: always
    shell:
      description: The shell lines that do it.
      type: str
      returned: always
problems:
  description: What stands against it, each with C(subject), C(message) and C(hint).
  returned: failure
  type: list
  elements: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.postwrap.postfix.plugins.module_utils.command import document

KEYS = {
    "state": {
        "type": "str",
        "choices": ["present", "stopped", "absent"],
        "default": "present",
    },
    "requeue_to": {"type": "str"},
    "address": {"type": "list", "elements": "str"},
    "add_address": {"type": "str"},
    "role": {
        "type": "str",
        "choices": ["fallback-relay", "content-filter", "outbound", "backup-mx"],
    },
    "settings": {"type": "dict"},
    "unset": {"type": "list", "elements": "str"},
    "services": {"type": "dict"},
    "copy": {"type": "bool"},
    "from": {"type": "str"},
    "queue_directory": {"type": "str"},
    "data_directory": {"type": "str"},
    "syslog_name": {"type": "str"},
    "group": {"type": "str"},
    "queue_lifetime": {"type": "str"},
    "tls_cert": {"type": "str"},
    "tls_key": {"type": "str", "no_log": False},
    "header_checks": {"type": "str"},
    "body_checks": {"type": "str"},
    "filter": {"type": "str"},
    "next_hop": {"type": "str"},
    "hostname": {"type": "str"},
    "helo_name": {"type": "str"},
    "mynetworks": {"type": "str"},
    "relay_domains": {"type": "str"},
    "same_source_address": {"type": "bool"},
    "no_postmulti": {"type": "bool"},
    "no_start": {"type": "bool"},
}
OTHERS = {
    "name": {"type": "str", "required": True},
    "overwrite_edits": {"type": "bool", "default": False},
}


def apply(module: AnsibleModule, *words: str) -> dict[str, t.Any]:
    """Return what ``postwrap apply`` prints of the declaration that the parameters are."""
    given = {key: module.params[key] for key in KEYS if module.params[key] is not None}
    edits = ["--overwrite-edits"] if module.params["overwrite_edits"] else []
    declared = {"instance": {module.params["name"]: given}}
    return document(module, "apply", "--file", "-", *edits, *words, declared=declared)


def shown(made: dict[str, t.Any]) -> dict[str, str]:
    """Return the difference as Ansible shows it."""
    lines = [made["diff"], *(f"{other}\n" for other in made["others"])]
    return {"prepared": "".join(lines)}


def main() -> None:
    module = AnsibleModule(argument_spec={**OTHERS, **KEYS}, supports_check_mode=True)
    # apply shows or does: with --diff alone it is asked twice.
    looks = module._diff
    made = apply(module, "--dry-run", "--diff") if module.check_mode or looks else {}
    difference = {"diff": shown(made)} if looks and made.get("changed") else {}
    if not module.check_mode:
        made = apply(module, "--yes")
    result = {"changed": made["changed"], **difference}
    if made["problems"]:
        told = [f"{p['subject']}: {p['message']} (remedy: {p['hint']})" for p in made["problems"]]
        module.fail_json(msg="; ".join(told), problems=made["problems"], **result)
    (instance,) = made["instances"]
    for edited in instance["drift"]:
        module.warn(
            "{place}: {name}: was edited: is {found}, {declared} is declared".format(**edited)
        )
    if module.check_mode:
        result["steps"] = made["steps"]
    module.exit_json(instance=instance, drift=instance["drift"], **result)


if __name__ == "__main__":
    main()
