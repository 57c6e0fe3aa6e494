"""What every dashboard is: controls, one picture that is redrawn in place, and one sentence."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from types import MappingProxyType
from typing import Any

import ipywidgets as widgets
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from traitlets import TraitError

from capkit.dashboards.lifetime import close_inside, keep_few
from capkit.dashboards.sentence import Sentence
from capkit.dashboards.still import still
from capkit.plots import drawing
from capkit.plots.drawing import is_still

Settings = dict[str, Any]
Drawn = tuple[Sequence[Artist], str]


class Dashboard(widgets.VBox):
    """Controls, one picture and one sentence that says what the picture shows.

    Parameters
    ----------
    figure : matplotlib Figure
        Drawn once; afterwards only the artists that `draw` returns are drawn again.
    controls : mapping of str to widget
        Under the names by which `settings` and `set` know them.
    draw : callable
        Takes the settings, updates the picture, and returns the artists to draw and the sentence.
    stories : mapping of str to dict
        Buttons for a lecturer, and the settings that each makes.
    start : mapping of str to object
        Settings to begin with, to which Reset leads back. Stories do not depend on them.
    arrange : callable, optional
        Takes the controls after each change and adapts the limits of those that depend on others.
    keep : sequence of str
        Controls that a story leaves as they are.

    Attributes
    ----------
    reading : str
        The sentence; also what `repr` returns.
    settings : dict
        The value of every control.
    start, stories : dict
        The settings at the start, and those of each story, by its name.
    keep : tuple of str
        Controls that a story leaves as they are.
    error : Exception or None
        What the last change raised, which the dashboard also shows.
    """

    _canvas: Any = None  # until all settings are sound, and when it is closed

    def __init__(
        self,
        figure: Figure,
        controls: Mapping[str, widgets.Widget],
        draw: Callable[[Settings], Drawn],
        stories: Mapping[str, Settings],
        *,
        start: Mapping[str, Any] = MappingProxyType({}),
        arrange: Callable[[Mapping[str, widgets.Widget]], None] | None = None,
        keep: Sequence[str] = (),
    ) -> None:
        self._controls, self._draw, self._arrange = dict(controls), draw, arrange
        self._held, self._keep = False, keep
        self._usual, self._shown = self.settings, Settings()
        self._move(start)
        self.start = self.settings
        self._canvas, self._background = FigureCanvasAgg(figure), None
        self.reading = ""
        self.error: Exception | None = None
        for ax in figure.axes:  # what is drawn once lies below what is drawn again
            for line in (*ax.spines.values(), ax.xaxis, ax.yaxis):
                line.set_zorder(0)
        width, height = map(round, figure.bbox.size)
        size = _picture_size(width, height)
        self._image = widgets.Image(format="png", width=width, height=height, layout=size)
        self._sentence = Sentence(layout=widgets.Layout(width="auto"))
        buttons = {"Reset": self.start} | dict(stories)
        as_wide = widgets.Layout(flex="0 0 auto", width=size.width)
        stage = widgets.VBox([self._image, self._sentence], layout=as_wide)
        stage.add_class("capkit-stage")
        self._stories = {label: self._button(label, to) for label, to in buttons.items()}
        self.stories = {label: self._usual | to for label, to in buttons.items()}
        self.keep = tuple(keep)
        below = widgets.Layout(flex="1 0 100%", flex_flow="row wrap")
        stories_row = widgets.Box(list(self._stories.values()), layout=below)
        aside = widgets.Box(
            [*self._controls.values(), stories_row], layout=widgets.Layout(**_ASIDE)
        )
        super().__init__([aside, stage], layout=widgets.Layout(flex_flow="row wrap"))
        self.add_class("capkit-dashboard")
        if drawing.is_classroom():
            self.add_class("capkit-classroom")
        for control in self._controls.values():
            control.observe(self._changed, "value")
        self._changed()
        keep_few(draw.__qualname__, self)

    @property
    def settings(self) -> Settings:
        """The value of every control."""
        return {name: control.value for name, control in self._controls.items()}

    @property
    def controls(self) -> Mapping[str, Any]:
        """The controls, under the names of the settings."""
        return self._controls

    @property
    def picture(self) -> bytes:
        """The picture, as PNG."""
        return bytes(self._image.value)

    def set(self, **settings: Any) -> None:
        """Move controls from code, all at once, as if by hand.

        Raises
        ------
        ValueError
            If a control is unknown or cannot take the value; nothing has moved then.
        """
        self._move(settings)
        self._changed()

    def _move(self, settings: Mapping[str, Any]) -> None:
        """Move controls without drawing, or say which setting is wrong."""
        for name in settings:
            if self._draw is _closed:
                _closed(settings)
            if name not in self._controls:
                raise ValueError(f"settings must be among {list(self._controls)}, got {name!r}")
        before = self.settings
        if refused := self._place(settings):
            rule = _range(self._controls[refused[0]])
            self._place(before)
            raise ValueError(f"{refused[0]} must be {rule}, got {settings[refused[0]]!r}")

    def close(self) -> None:
        """Take the dashboard off its page, and free its picture; `reading` stays."""
        if self._canvas is not None:
            self._controls, self._stories = {}, {}
            self._canvas = self._background = None
            self._draw, self._image.value = _closed, b""
            close_inside(self)
            self.children = ()
        super().close()

    def tell(self, story: str) -> None:
        """Press the button of a story; what its limits do not allow stays as near as it may."""
        self._stories[story].click()

    def reset(self) -> None:
        """Move every control back to where it was at the start."""
        self._place(self.start)
        self._changed()

    def __repr__(self) -> str:
        return self.reading

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The live dashboard, and for readers without a kernel its picture and its sentence."""
        live = {} if is_still() else super()._repr_mimebundle_(**options)
        png = base64.b64encode(still(self._image.value, self.reading)).decode()
        bundle = dict(live or {}) | {"text/plain": self.reading, "image/png": png}
        return bundle, {"image/png": {"alt": self.reading}}

    def _button(self, label: str, settings: Settings) -> widgets.Button:
        button = widgets.Button(description=label, layout=widgets.Layout(width="auto"))
        kept = self._keep if label != "Reset" else ()

        def tell(_: Any) -> None:
            self._place(self._usual | {name: self.settings[name] for name in kept} | settings)
            self._changed()

        button.on_click(tell)
        return button

    def _place(self, settings: Mapping[str, Any]) -> list[str]:
        """Set several controls without drawing, and name those that did not take their value."""
        self._held = True
        try:
            for _ in range(2):  # limits that depend on other controls come right the second time
                refused = [
                    name for name in settings if not _take(self._controls[name], settings[name])
                ]
                if self._arrange:
                    self._arrange(self._controls)
        finally:
            self._held = False
        return refused

    def _changed(self, _: Any = None) -> None:
        """Draw again; whatever goes wrong is shown where the class is looking."""
        if self._held:
            return
        try:
            if self._arrange:
                self._held = True
                self._arrange(self._controls)
            settings = self.settings
            if settings == self._shown and self.error is None:
                return
            artists, self.reading = self._draw(settings)
            self._image.value = self._png(artists)
            self._shown, self.error = settings, None
        except Exception as error:
            self.error = error
            self.reading = f"{type(error).__name__}: {error}"
        finally:
            self._held = False
        with self._sentence.hold_sync():
            self._sentence.text, self._sentence.wrong = self.reading, self.error is not None

    def _png(self, artists: Sequence[Artist]) -> bytes:
        """Draw the artists over the saved background: an order faster than a new figure."""
        for artist in artists:
            artist.set_animated(True)
        if self._background is None:
            self._canvas.draw()
            self._background = self._canvas.copy_from_bbox(self._canvas.figure.bbox)
        self._canvas.restore_region(self._background)
        for artist in sorted(artists, key=Artist.get_zorder):
            artist.draw(self._canvas.get_renderer())
        file = BytesIO()
        size = self._canvas.get_width_height()
        pixels = Image.frombuffer("RGBA", size, self._canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
        pixels.convert("RGB").save(file, "png", compress_level=1)
        return file.getvalue()


def _closed(settings: Mapping[str, Any]) -> Drawn:
    raise RuntimeError("this dashboard was closed, as newer ones were made: run its cell again")


def slider(label: str, value: Any, low: Any, high: Any, step: Any, tip: str) -> widgets.Widget:
    """A slider; whole numbers if its step is one."""
    make = widgets.IntSlider if isinstance(step, int) else widgets.FloatSlider
    options: Settings = {} if isinstance(step, int) else {"readout_format": ".2f"}
    return make(value=value, min=low, max=high, step=step, **_named(label, tip), **options)


def choice(label: str, options: Sequence[Any], tip: str) -> widgets.Widget:
    """A row of buttons, one of which is pressed."""
    style = {"button_width": "auto"}
    return widgets.ToggleButtons(options=options, style=style, **_named(label, tip))


def dropdown(label: str, options: Sequence[Any], tip: str) -> widgets.Widget:
    """A list that opens, for more options than fit beside each other."""
    return widgets.Dropdown(options=options, **_named(label, tip))


# Beside the picture if there is room for both, else above it, in as many columns as fit.
_ASIDE = {
    "flex": "1 1 190px",
    "max_width": "900px",
    "flex_flow": "row wrap",
    "align_content": "flex-start",
}


def _picture_size(width: int, height: int) -> widgets.Layout:
    """As many pixels as were drawn; in a classroom as many as the window has room for.

    There the controls stay beside the picture, and the sentence in view below it.
    """
    if not drawing.is_classroom():
        return widgets.Layout(width=f"{width}px", height=f"{height}px", flex="0 0 auto")
    usual = round(width / drawing.ENLARGED)
    fits = f"100cqw - 198px, (100vh - {_BESIDES}px) * {width / height:.3f}"
    return widgets.Layout(
        width=f"max({usual}px, min({width}px, {fits}))", height="auto", flex="0 0 auto"
    )


_BESIDES = 221  # pixels that Jupyter and the sentence below a picture take of a window's height


def _named(label: str, tip: str) -> Settings:
    layout = widgets.Layout(flex="1 1 185px", width="auto", max_width="290px", height="auto")
    return {"description": label, "tooltip": tip, "layout": layout}


def _take(control: Any, value: Any) -> bool:
    """Give a control a value, or leave it as it is and say so."""
    before = control.value
    with suppress(TraitError):
        control.value = value
    if control.value == value and value is not None:
        return True
    control.value = before
    return False


def _range(control: Any) -> str:
    if hasattr(control, "options"):
        return f"one of {list(control.options)}"
    return f"in [{control.min}, {control.max}]"
