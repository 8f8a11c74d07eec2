"""The mail log: which instance a line belongs to, and a message's path through the instances.

``lines``, ``tags`` and ``way`` compute; ``sources`` is the I/O boundary: log files and the journal.
"""
