"""A dashboard drawn beforehand: a picture and a sentence for each setting that its page offers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image

from capkit.dashboards.dashboard import Dashboard, Settings
from capkit.systems import ALL, SCRIPTS

Block = Mapping[str, Sequence[Any]]

_MOST = 1.5e6  # bytes of a dashboard's pictures, where nobody has chosen its settings
_STEPS = 5  # of a slider, besides those of the stories

# Where more is worth seeing than each control by itself: all combinations within a block. What is
# not named stays as it is at the start.
CHOSEN: dict[str, list[Block]] = {
    "failure": [
        {
            "loss": [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
            "nodes": [1, 2, 3, 5, 7, 9, 15],
        }
    ],
    "harvest": [{"away": [*range(11)], "touched": [1, 2, 3, 5, 8, 10]}],
    "interval": [
        {
            "begins": [*range(0, 501, 20), 130],
            "lasts": [10, 50, 60, 120, 200],
            "returns": ["1", "2", "nothing"],
        }
    ],
    "pacelc": [
        {"latency": [0.5, 5, 50], "r": [1, 2, 3, 4, 5], "w": [1, 2, 3, 4, 5]},
        {"latency": [0.5, 5, 50], "distance": [0, 25, 50, 75, 100]},
        {"latency": [0.5, 50], "system": ["none", *(each.name for each in ALL)]},
        {"nodes": [3, 7], "r": [1, 2, 4, 7], "w": [1, 2, 4, 7]},
        {"nodes": [3, 5, 7], "side": [1, 2, 3, 4], "distance": [0, 50]},
    ],
    "partition": [
        {
            "store": ["CA: block", "CA: failover", "CP", "AP"],
            "begins": [0, 500, 2_000],
            "lasts": [0, 1_000, 2_000],
            "left": [1, 2, 3, 4],
        },
        {
            "store": ["CA: block", "CA: failover", "CP", "AP"],
            "lasts": [0, 1_000],
            "left": [1, 2, 4],
            "loss": [0, 0.2, 1],
        },
    ],
    "quorum": [
        {"n": [1, 3], "r": [1, 2, 3], "w": [1, 2, 3], "loss": [0, 0.2, 1]},
        {"n": [5], "r": [1, 3, 5], "w": [1, 3, 5], "loss": [0, 0.2, 1]},
        {"n": [15], "r": [1, 8, 15], "w": [1, 8, 15], "loss": [0, 0.2, 1]},
    ],
    "retries": [
        {
            "reply_loss": [0, 0.1, 0.2, 0.3, 0.5, 0.8, 1],
            "loss": [0, 0.2, 0.5, 1],
            "attempts": [1, 2, 3, 5, 10],
        }
    ],
    "staleness": [
        {
            "profile": ["LNKD-DISK", "LNKD-SSD", "YMMR", "WAN"],
            "n": [1, 2, 3],
            "r": [1, 2, 3],
            "w": [1, 2, 3],
        },
        {
            "profile": ["LNKD-DISK", "LNKD-SSD", "YMMR", "WAN"],
            "n": [10],
            "r": [1, 5, 10],
            "w": [1, 5, 10],
        },
    ],
    "system": [
        *({"first": [each.name], "option": [*each.configurations]} for each in ALL),
        *({"second": [each.name], "other": [*each.configurations]} for each in ALL),
        {
            "script": [name for name, script in SCRIPTS.items() if not script.loss],
            "loss": [0, 0.2, 0.5, 1],
        },
    ],
    "tradeoff": [
        {
            "nodes": [2, 5, 15],
            "share": [0.1, 0.2, 0.4, 0.5],
            "loss": [0, 0.1, 0.2, 0.5, 1],
            "counted": ["the worse side", "all clients"],
        },
    ],
}


def drawn(board: Dashboard, name: str) -> Iterator[tuple[Settings, bytes, str]]:
    """The settings that a page offers, once each, with picture and sentence.

    They are those of the start and of all stories, and besides those chosen for the dashboard of
    this name; where none are chosen, each control by itself around each story.
    """
    seen = set()
    for _ in _moves(board, name):
        if board.error:
            raise board.error
        key = tuple(board.settings.values())
        if key not in seen:
            seen.add(key)
            yield board.settings, board.picture, board.reading


def _moves(board: Dashboard, name: str) -> Iterator[None]:
    """Put the controls to one setting after the other."""
    blocks = CHOSEN.get(name, [])
    yield from _through_stories(board)
    if blocks and all(set(block) <= set(board.controls) for block in blocks):
        for block in blocks:
            for chosen in product(*block.values()):
                settings = board.start | dict(zip(block, chosen, strict=True))
                with suppress(ValueError):  # such as a quorum larger than the number of nodes
                    board.set(**settings)
                    yield
    else:
        yield from _around(board)


def _through_stories(board: Dashboard) -> Iterator[None]:
    """Each story, and each again for every value of a control that stories leave as it is."""
    kept = [{name: value} for name in board.keep for value in _values(board.controls[name])]
    for story in board.stories:
        for settings in [{}, *kept]:
            board.reset()
            with suppress(ValueError):
                board.set(**settings)
                board.tell(story)
                yield


def _around(board: Dashboard) -> Iterator[None]:
    """Each control by itself, from the start and, as long as that is not too much, each story."""
    moves = [(name, value) for name, each in board.controls.items() for value in _values(each)]
    stories = list(board.stories)
    board.reset()
    room = int(_MOST / len(small(board.picture)) / len(moves))
    for story in stories[: max(1, room)]:
        for name, value in moves:
            board.tell(story)
            with suppress(ValueError):
                board.set(**{name: value})
                yield


def _values(control: Any) -> list[Any]:
    """All options of a list, both ends and some steps of a slider."""
    if hasattr(control, "options"):
        return list(control.options)
    low, high, step = control.min, control.max, control.step
    count = round((high - low) / step)
    places = sorted({round(count * part / (_STEPS - 1)) for part in range(_STEPS)})
    return [round(low + step * place, 9) for place in places]


def leaders(board: Dashboard) -> list[str]:
    """The controls on which the limits or options of others depend."""
    found = []
    for name, control in board.controls.items():
        board.reset()
        before = _limits(board, name)
        for value in _values(control):
            board.set(**{name: value})
            if _limits(board, name) != before:
                found.append(name)
                break
    board.reset()
    return found


def _told(board: Dashboard, story: str) -> Settings:
    """Where a story puts the controls, from the start."""
    board.reset()
    board.tell(story)
    return board.settings


def _limits(board: Dashboard, besides: str) -> list[Any]:
    names = ("min", "max", "options")
    others = [each for name, each in board.controls.items() if name != besides]
    return [[getattr(each, name, None) for name in names] for each in others]


def draw_all(board: Dashboard, name: str, folder: Path) -> dict[str, Any]:
    """Draw a dashboard for all settings that its page offers, and say where each picture is.

    Pictures go to `folder`, equal ones once. What comes back is plain data: the controls with
    their values, the stories, and for each setting (by the places of its values) a picture and a
    sentence.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start, leading = board.start, leaders(board)
    stories = {story: _told(board, story) for story in board.stories}
    shots = [(settings, _kept(png, folder), said) for settings, png, said in drawn(board, name)]
    values = {each: _offered(board, each, [shot[0] for shot in shots]) for each in board.controls}
    pictures = list(dict.fromkeys(shot[1] for shot in shots))

    def places(settings: Settings) -> list[int]:
        return [values[each].index(settings[each]) for each in values]

    return {
        "controls": [_control(board, each, values[each], each in leading) for each in values],
        "stories": [[label, places(to)] for label, to in stories.items()],
        "keep": [list(values).index(each) for each in board.keep],
        "start": places(start),
        "size": list(Image.open(BytesIO(board.picture)).size),
        "pictures": pictures,
        "states": {
            ",".join(map(str, places(settings))): [pictures.index(picture), said]
            for settings, picture, said in shots
        },
    }


def _offered(board: Dashboard, name: str, all_settings: list[Settings]) -> list[Any]:
    """The values that a control takes in some setting, in its own order."""
    found = list(dict.fromkeys(settings[name] for settings in all_settings))
    return found if hasattr(board.controls[name], "options") else sorted(found)


def _control(board: Dashboard, name: str, values: list[Any], leads: bool) -> dict[str, Any]:
    control = board.controls[name]
    form = getattr(control, "readout_format", "")
    kind = "slider" if not hasattr(control, "options") else "choice"
    if type(control).__name__ == "Dropdown":
        kind = "list"
    shown = [f"{value:{form}}" if kind == "slider" else str(value) for value in values]
    tip = control.tooltip or ""
    words = {"label": control.description, "tip": tip, "kind": kind}
    return words | {"values": shown, "raw": values, "leads": leads}


def _kept(png: bytes, folder: Path) -> str:
    """Keep a picture in few colours, under a name made of what it shows."""
    name = f"{hashlib.sha256(png).hexdigest()[:16]}.webp"
    if not (folder / name).exists():
        (folder / name).write_bytes(small(png))
    return name


def small(png: bytes) -> bytes:
    """A picture of few colours as WebP without loss: about half of a PNG."""
    file = BytesIO()
    picture = Image.open(BytesIO(png)).convert("RGB")
    few = picture.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.convert("RGB").save(file, "webp", lossless=True, quality=50, method=1)
    return file.getvalue()
