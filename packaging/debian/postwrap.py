#!/usr/bin/python3 -I
"""Run postwrap; -I: root's Python gets no module from PYTHONPATH or the current directory."""

from postwrap.launch import main

main()
