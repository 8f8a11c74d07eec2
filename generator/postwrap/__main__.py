"""Run postwrap as ``python -m postwrap``: a tool for developers.

Without -I, Python takes modules from the current directory and PYTHONPATH first. The command that
is installed is the launcher.
"""

from postwrap.launch import main

if __name__ == "__main__":
    main()
