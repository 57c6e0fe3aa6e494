"""A question that wants a guess before it shows the result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import ipywidgets as widgets

from capkit._arguments import number
from capkit.dashboards.lifetime import close_inside, keep_few
from capkit.dashboards.sentence import Sentence
from capkit.dashboards.typed import read_number, short, span
from capkit.plots.drawing import is_still

_WIDTH = "900px"
_AGAIN = "Write a number first, such as 3, 0.757 or 3/4, then press Enter."


class Prediction(widgets.VBox):
    """A question, a place for a guess, and the result beside the guess once it is given.

    Attributes
    ----------
    guess : object or None
        What was guessed last. It stays in this notebook: nothing is stored or sent.
    answer : object
        The result, which was found when the question was made.
    reading : str
        The question and what has come of it so far; also what `repr` returns.
    """

    def __init__(
        self,
        question: str,
        answer: Any,
        options: Sequence[str] | None,
        unit: str,
        because: str,
        limits: tuple[float, float],
        close: float | None,
    ) -> None:
        self._question, self._options = question, options
        self._unit, self._because = unit, f" {because}" if because else ""
        self._limits, self._close = limits, close
        self.answer = self._checked(answer() if callable(answer) else answer)
        self.guess: Any = None
        self._field = _field(options, span(*limits, unit), unit)
        self._field.on_msg(self._heard)
        self._button = widgets.Button(description="That is my guess")
        self._button.layout.width = "auto"
        self._button.on_click(self._taken)
        self._sentence = Sentence()
        words = widgets.HTML(f'<span class="capkit-question">{escape(question)}</span>')
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center", width="auto")
        row = widgets.Box([self._field, self._button], layout=wrap)
        super().__init__([words, row, self._sentence], layout=widgets.Layout(max_width=_WIDTH))
        self.add_class("capkit-dashboard")
        self.add_class("capkit-guess")
        keep_few(f"guess {question}", self)

    @property
    def reading(self) -> str:
        """The question and what has come of it so far."""
        return f"{self._question} {self._sentence.text or 'No guess yet.'}"

    @property
    def question(self) -> str:
        """The question."""
        return self._question

    def plain(self) -> dict[str, Any]:
        """All that a page without a kernel needs to judge a guess, as data that JSON can hold."""
        if self._options is not None:
            return {"options": [[option, self._result(option)] for option in self._options]}
        near, words = self._near()
        low, high = (limit if math.isfinite(limit) else None for limit in self._limits)
        return {
            "options": None,
            "answer": self.answer,
            "unit": self._unit,
            "low": low,
            "high": high,
            "close": near,
            "words": f"Close, {words}",
            "because": self._because,
            "hint": self._field.placeholder,
            "again": _AGAIN,
            "outside": f"The answer is a number {span(*self._limits, self._unit)}.",
        }

    def __repr__(self) -> str:
        return self.reading

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The live question, and for readers without a kernel its words."""
        live = {} if is_still() else super()._repr_mimebundle_(**options)
        return dict(live or {}) | {"text/plain": self.reading}

    def say(self, guess: Any) -> None:
        """Give a guess from code, as if by hand.

        Raises
        ------
        ValueError, TypeError
            If the guess is none of the options, or no number in the range where one is asked for.
        """
        if self._options is None:
            guess = number("guess", guess, *self._limits)
        elif guess not in self._options:
            raise ValueError(f"guess must be one of {list(self._options)}, got {guess!r}")
        self.guess = guess
        self._show(self._result(guess))

    def close(self) -> None:
        """Take the question off its page; `reading` stays."""
        close_inside(self)
        self.children = ()
        super().close()

    def _heard(self, _: Any, content: dict[str, Any], buffers: Any) -> None:
        """The Enter key in the field is as good as the button."""
        if content.get("event") == "submit":
            self._taken()

    def _taken(self, _: Any = None) -> None:
        """What the button does; whatever is wrong with a guess is said in one sentence."""
        if self._options is not None:
            if self._field.value is None:
                return self._show("Choose one first, then press the button.", wrong=True)
            return self.say(self._field.value)
        value = read_number(self._field.value, self._unit)
        low, high = self._limits
        if value is None:
            return self._show(_AGAIN, wrong=True)
        if not low <= value <= high:
            return self._show(f"The answer is a number {span(low, high, self._unit)}.", wrong=True)
        return self.say(value)

    def _checked(self, answer: Any) -> Any:
        if self._options is None:
            return number("answer", answer, *self._limits)
        if answer not in self._options:
            raise ValueError(f"answer must be one of {list(self._options)}, got {answer!r}")
        return answer

    def _result(self, guess: Any) -> str:
        if self._options is not None:
            verdict = "Right." if guess == self.answer else f"It is: {self.answer}."
            return f"Your guess: {guess}. {verdict}{self._because}"
        unit = f" {self._unit}" if self._unit else ""
        found, said = (f"{short(value)}{unit}" for value in (self.answer, guess))
        return f"Your guess: {said}. {self._verdict(guess)}: it is {found}.{self._because}"

    def _verdict(self, guess: float) -> str:
        """Right to the digits that are shown, close, or wrong and on which side."""
        near, words = self._near()
        if short(guess) == short(self.answer):
            return "Right"
        if abs(guess - self.answer) <= near:
            return f"Close, {words}"
        return "Too low" if guess < self.answer else "Too high"

    def _near(self) -> tuple[float, str]:
        """How far from the answer a guess is close, and that in words."""
        if self._unit == "%":
            near = 5.0 if self._close is None else self._close
            return near, f"within {near:g} points"
        if self._close is None:
            return abs(self.answer) / 10, "within 10 %"
        return self._close, f"within {self._close:g} {self._unit}".strip()

    def _show(self, text: str, wrong: bool = False) -> None:
        with self._sentence.hold_sync():
            self._sentence.text, self._sentence.wrong = text, wrong


def predict(
    question: str,
    answer: Any,
    options: Sequence[str] | None = None,
    *,
    unit: str = "",
    because: str = "",
    low: float | None = None,
    high: float | None = None,
    close: float | None = None,
) -> Prediction:
    """Ask for a guess, and show the result beside it only after it is given.

    Parameters
    ----------
    question : str
        What to guess.
    answer : number, str or callable
        The result, or a function without arguments that finds it, now: a number, or one of the
        options. What later cells do to the names that it reads changes nothing.
    options : sequence of str, optional
        At least two, to choose from; without them, the guess is a number.
    unit : str
        Of a number, such as "%" or "ms".
    because : str
        A sentence to read after the result.
    low, high : number, optional
        Limits of a number; 0 to 100 for per cent, and none for other units.
    close : number, optional
        How far from the answer a number is still called close, in the unit; by default 5 points
        for per cent, and a tenth of the answer for other units.

    Returns
    -------
    Prediction
        Guesses stay in the notebook; nothing leaves the machine.

    Raises
    ------
    ValueError, TypeError
        If there are fewer than two options or some are equal, the limits are the wrong way round,
        or the answer is not one of the options or outside the limits.

    Examples
    --------
    >>> question = predict("How many of 3 nodes are a majority?", lambda: 3 // 2 + 1, low=0, high=3)
    >>> question
    How many of 3 nodes are a majority? No guess yet.
    >>> question.say(3)
    >>> question
    How many of 3 nodes are a majority? Your guess: 3. Too high: it is 2.
    """
    if options is not None and (len(options) < 2 or len(set(options)) < len(options)):
        raise ValueError(f"options must be at least two, all different, got {list(options)}")
    least, most = (0.0, 100.0) if unit == "%" else (-math.inf, math.inf)
    limits = (least if low is None else low, most if high is None else high)
    if not limits[0] < limits[1]:
        raise ValueError(f"low must be below high, got {limits[0]} and {limits[1]}")
    return Prediction(question, answer, options, unit, because, limits, close)


def _field(options: Sequence[str] | None, limits: str, unit: str) -> widgets.Widget:
    if options is None:
        wide = widgets.Layout(width="420px")
        hint = f"a number {limits or ('of ' + unit if unit else '')}".strip()
        style = {"description_width": "90px"}
        return widgets.Text(description="your guess", placeholder=hint, layout=wide, style=style)
    style = {"description_width": "90px", "button_width": "auto"}
    buttons = widgets.ToggleButtons(options=list(options), style=style, description="your guess")
    buttons.value = None
    buttons.layout.width = "auto"
    return buttons
