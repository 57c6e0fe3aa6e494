"""What can be typed at a prompt: `python -m capkit` and then `open`, `check` or `web`."""

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
    opens = commands.add_parser("open", help="copy the lessons to work in, and open the first")
    opens.add_argument("folder", nargs="?", default="my-lessons", help="by default my-lessons")
    opens.add_argument("--no-browser", action="store_true", help="only copy them")
    commands.add_parser("check", help="say before class whether everything works")
    web = commands.add_parser("web", help="make the lessons into web pages that need no kernel")
    web.add_argument("out", help="the folder to make")
    chosen = parser.parse_args(words)
    if chosen.command == "web":
        return _web(chosen.out)
    if chosen.command == "open":
        try:
            classroom.open_lessons(chosen.folder, browser=not chosen.no_browser)
        except FileNotFoundError as missing:
            print(missing)
            return 1
        return 0
    return 0 if classroom.all_works() else 1


def _web(out: str) -> int:
    """Build the pages, and say what each weighs."""
    from capkit.classroom import web  # it needs more than the other commands

    try:
        pages = web.build(out)
    except (FileExistsError, FileNotFoundError) as problem:
        print(problem)
        return 1
    for name, size in web.weights(pages).items():
        print(f"{size / 1e6:6.2f} MB  {name}")
    print(f"Open {out}/index.html, or put the folder on any server.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
