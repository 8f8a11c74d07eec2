"""Run postwrap as ``python -m postwrap``."""

from postwrap.cli import main

if __name__ == "__main__":
    main()
