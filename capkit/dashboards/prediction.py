"""A question that wants a guess before it shows the result."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import ipywidgets as widgets

from capkit._arguments import number
from capkit.dashboards.sentence import Sentence
from capkit.dashboards.still import is_still

_WIDTH = "900px"


class Prediction(widgets.VBox):
    """A question, a place for a guess, and the result beside the guess once it is given.

    Attributes
    ----------
    guess : object or None
        What was guessed last. It stays in this notebook: nothing is stored or sent.
    reading : str
        The question and what has come of it so far; also what `repr` returns.
    """

    def __init__(
        self, question: str, answer: Any, options: Sequence[str] | None, unit: str, because: str
    ) -> None:
        self._question, self._answer, self._options = question, answer, options
        self._unit, self._because = f" {unit}" if unit else "", f" {because}" if because else ""
        self.guess: Any = None
        self._field = _field(options, unit)
        self._button = widgets.Button(description="That is my guess")
        self._button.layout.width = "auto"
        self._button.on_click(self._taken)
        self._sentence = Sentence()
        words = widgets.HTML(f'<span class="capkit-question">{escape(question)}</span>')
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center", width=_WIDTH)
        row = widgets.Box([self._field, self._button], layout=wrap)
        super().__init__([words, row, self._sentence], layout=widgets.Layout(max_width=_WIDTH))
        self.add_class("capkit-dashboard")

    @property
    def reading(self) -> str:
        """The question and what has come of it so far."""
        return f"{self._question} {self._sentence.text or 'No guess yet.'}"

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
            If the guess is none of the options, or no number where one is asked for.
        """
        if self._options is None:
            guess = number("guess", guess)
        elif guess not in self._options:
            raise ValueError(f"guess must be one of {list(self._options)}, got {guess!r}")
        self.guess = guess
        self._show(self._result(self._true(), guess))

    def _taken(self, _: Any) -> None:
        """What the button does; whatever goes wrong is shown where the class is looking."""
        value = self._field.value
        try:
            if self._options is None:
                text = value.strip().removesuffix(self._unit.strip()).strip()
                try:
                    value = float(text.replace(",", "."))
                except ValueError:
                    return self._show("Write a number first, then press the button.", wrong=True)
            elif value is None:
                return self._show("Choose one first, then press the button.", wrong=True)
            self.say(value)
        except Exception as error:
            self._show(f"{type(error).__name__}: {error}", wrong=True)

    def _true(self) -> Any:
        """The answer, computed only now, so that nobody meets it before."""
        true = self._answer() if callable(self._answer) else self._answer
        if self._options is None:
            return number("answer", true)
        if true not in self._options:
            raise ValueError(f"answer must be one of {list(self._options)}, got {true!r}")
        return true

    def _result(self, true: Any, guess: Any) -> str:
        if self._options is not None:
            verdict = "Right." if guess == true else f"It is: {true}."
            return f"Your guess: {guess}. {verdict}{self._because}"
        found, said = (f"{_short(value)}{self._unit}" for value in (true, guess))
        return f"Your guess: {said}. It is: {found}.{self._because}"

    def _show(self, text: str, wrong: bool = False) -> None:
        with self._sentence.hold_sync():
            self._sentence.text, self._sentence.wrong = text, wrong


def _short(value: float) -> str:
    """Three digits, or a whole number where it has more."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def predict(
    question: str,
    answer: Any,
    options: Sequence[str] | None = None,
    *,
    unit: str = "",
    because: str = "",
) -> Prediction:
    """Ask for a guess, and show the result beside it only after it is given.

    Parameters
    ----------
    question : str
        What to guess.
    answer : number, str or callable
        The result, or a function without arguments that finds it once there is a guess: a number,
        or one of the options.
    options : sequence of str, optional
        At least two, to choose from; without them, the guess is a number.
    unit : str
        Of a number, such as "%" or "ms".
    because : str
        A sentence to read after the result.

    Returns
    -------
    Prediction
        Guesses stay in the notebook; nothing leaves the machine.

    Raises
    ------
    ValueError, TypeError
        If there are fewer than two options or some are equal, or the answer is not one of them.

    Examples
    --------
    >>> question = predict("How many of 3 nodes are a majority?", lambda: 3 // 2 + 1)
    >>> question
    How many of 3 nodes are a majority? No guess yet.
    >>> question.say(3)
    >>> question
    How many of 3 nodes are a majority? Your guess: 3. It is: 2.
    """
    if options is not None and (len(options) < 2 or len(set(options)) < len(options)):
        raise ValueError(f"options must be at least two, all different, got {list(options)}")
    made = Prediction(question, answer, options, unit, because)
    if not callable(answer):
        made._true()
    return made


def _field(options: Sequence[str] | None, unit: str) -> widgets.Widget:
    if options is None:
        wide = widgets.Layout(width="300px")
        hint = f"a number{' of ' + unit if unit else ''}"
        style = {"description_width": "90px"}
        return widgets.Text(description="your guess", placeholder=hint, layout=wide, style=style)
    style = {"description_width": "90px", "button_width": "auto"}
    buttons = widgets.ToggleButtons(options=list(options), style=style, description="your guess")
    buttons.value = None
    buttons.layout.width = "auto"
    return buttons
