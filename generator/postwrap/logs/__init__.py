"""The mail log: whose each line is, and a message's way through the instances.

``lines`` and ``tags`` and ``way`` compute; ``sources`` is the door to log files and the journal.
"""
