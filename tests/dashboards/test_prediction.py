"""Predictions: the result stays hidden until there is a guess, and stands beside it then."""

import pytest

from capkit.dashboards import predict
from capkit.dashboards.prediction import Prediction

SIDES = ["the left", "the right", "both"]


def shown(question):
    return question._sentence.text


def press(question):
    question._button.click()


def test_nothing_is_shown_before_there_is_a_guess():
    question = predict("Which side waits?", lambda: "both", SIDES)
    assert isinstance(question, Prediction)
    assert repr(question) == question.reading == "Which side waits? No guess yet."
    assert (question.guess, shown(question)) == (None, "")


def test_the_result_stands_beside_a_guess_of_a_number():
    question = predict("How many?", lambda: 2 / 3, unit="%")
    question._field.value = " 50,5 % "
    press(question)
    assert shown(question) == "Your guess: 50.5 %. Too high: it is 0.667 %."
    assert question.guess == 50.5
    assert repr(question) == f"How many? {shown(question)}"


@pytest.mark.parametrize(
    "number, text",
    [(0, "0"), (1_515, "1,515"), (-2.5, "-2.5"), (75.77, "75.8"), (10**98, "1e+98")],
)
def test_numbers_are_short_and_have_no_exponent(number, text):
    question = predict("How many?", number)
    question.say(1)
    assert shown(question).endswith(f": it is {text}.")


def test_the_result_stands_beside_a_choice():
    question = predict("Which side waits?", lambda: "the right", SIDES, because="It is smaller.")
    question._field.value = "both"
    press(question)
    assert shown(question) == "Your guess: both. It is: the right. It is smaller."
    question.say("the right")
    assert shown(question) == "Your guess: the right. Right. It is smaller."


@pytest.mark.parametrize(
    "options, says", [(None, "Write a number first"), (SIDES, "Choose one first")]
)
def test_the_button_without_a_guess_asks_for_one(options, says):
    question = predict("Which?", options[0] if options else 3, options)
    press(question)
    assert shown(question).startswith(says)
    assert question._sentence.wrong
    assert question.guess is None


@pytest.mark.parametrize("text", ["many", "", "1 2", "nan", "inf", "1/0", "9" * 99])
def test_what_is_no_number_in_the_range_is_no_guess(text):
    question = predict("How many?", 3, low=0, high=99)
    question._field.value = text
    press(question)
    assert question._sentence.wrong
    assert question.guess is None
    assert "Error" not in shown(question)
    assert "999" not in shown(question)


@pytest.mark.parametrize(
    "unit, low, high, said",
    [
        ("%", None, None, "a number from 0 to 100 %"),
        ("ms", 0, None, "a number of at least 0 ms"),
        ("nodes", 1, 7, "a number from 1 to 7 nodes"),
        ("ms", None, None, "a number of ms"),
    ],
)
def test_the_field_says_unit_and_range_before_and_after(unit, low, high, said):
    question = predict("How many?", 3, unit=unit, low=low, high=high)
    assert question._field.placeholder == said
    question._field.value = "-5000"
    press(question)
    assert shown(question) == f"The answer is {said}." or question.guess == -5000


@pytest.mark.parametrize(
    "text, value",
    [("0.757", 75.7), ("75.7 %", 75.7), ("75,7%", 75.7), ("3/4", 75), ("60", 60), ("1", 1)],
)
def test_a_share_may_be_typed_as_the_lesson_prints_it(text, value):
    question = predict("What share?", 50, unit="%")
    question._field.value = text
    press(question)
    assert question.guess == pytest.approx(value)


@pytest.mark.parametrize(
    "guess, says",
    [
        (75.74, "Right"),
        (71, "Close, within 5 points"),
        (70.7, "Too low"),
        (81, "Too high"),
    ],
)
def test_a_number_gets_a_verdict_too(guess, says):
    question = predict("What share?", 75.73, unit="%")
    question.say(guess)
    assert f". {says}: it is 75.7 %." in shown(question)


@pytest.mark.parametrize(
    "close, says",
    [(None, "Close, within 10 %"), (20, "Close, within 20 ms"), (1, "Too high")],
)
def test_how_close_is_close_may_be_said(close, says):
    question = predict("How long?", 100, unit="ms", close=close)
    question.say(109)
    assert f". {says}: it is 100 ms." in shown(question)


def test_the_enter_key_gives_the_guess():
    question = predict("How many?", 7)
    question._field.value = "7"
    question._field._handle_custom_msg({"event": "submit"}, [])
    assert shown(question) == "Your guess: 7. Right: it is 7."


def test_the_answer_is_that_of_the_moment_when_the_question_was_made():
    names = ["before"]
    question = predict("Which?", lambda: names[-1], ["before", "after"])
    names.append("after")
    question.say("before")
    assert shown(question) == "Your guess: before. Right."


def test_an_answer_that_cannot_be_found_is_an_error_of_the_cell_itself():
    with pytest.raises(ZeroDivisionError):
        predict("How many?", lambda: 1 / 0)
    with pytest.raises(ValueError, match=r"answer must be in \[0, 100\], got 101"):
        predict("What share?", 101, unit="%")
    with pytest.raises(ValueError, match="low must be below high, got 3 and 3"):
        predict("How many?", 3, low=3, high=3)


def test_a_guess_can_be_given_again():
    question = predict("How many?", 7)
    for guess in (3, 8):
        question.say(guess)
        assert shown(question).startswith(f"Your guess: {guess}. Too ")


@pytest.mark.parametrize("guess, rule", [("up", "one of"), (3, "one of")])
def test_a_choice_from_code_must_be_an_option(guess, rule):
    with pytest.raises(ValueError, match=f"guess must be {rule}"):
        predict("Which?", "both", SIDES).say(guess)


@pytest.mark.parametrize("guess", ["3", None, True])
def test_a_number_from_code_must_be_one(guess):
    with pytest.raises(TypeError, match="guess must be a number"):
        predict("How many?", 3).say(guess)


@pytest.mark.parametrize("options", [[], ["one"], ["one", "one"]])
def test_options_are_at_least_two_and_different(options):
    with pytest.raises(ValueError, match="options must be at least two, all different"):
        predict("Which?", lambda: options[0] if options else 3, options)


def test_a_literal_answer_is_checked_at_once():
    with pytest.raises(ValueError, match=r"answer must be one of .* got 'up'"):
        predict("Which?", "up", SIDES)
    with pytest.raises(TypeError, match="answer must be a number, got 'up'"):
        predict("How many?", "up")


def test_without_a_kernel_the_question_is_still_there(monkeypatch):
    question = predict("How many?", 3)
    live = question._repr_mimebundle_()
    assert live["text/plain"] == "How many? No guess yet."
    assert "application/vnd.jupyter.widget-view+json" in live
    monkeypatch.setenv("CAPKIT_STILL", "1")
    assert question._repr_mimebundle_() == {"text/plain": "How many? No guess yet."}
