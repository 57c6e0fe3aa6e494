"""What can be typed at a prompt: `python -m capkit check`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from capkit import classroom


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words say; by default those of the command line.

    Returns
    -------
    int
        Exit status of the command: 0 if all is well, else 1.

    Raises
    ------
    SystemExit
        With status 2 if the words are not understood; the valid ones are listed.
    """
    parser = argparse.ArgumentParser(prog="python -m capkit", description="The lessons on CAP.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="say before class whether everything works")
    parser.parse_args(words)
    return 0 if classroom.check() else 1


if __name__ == "__main__":
    sys.exit(main())
