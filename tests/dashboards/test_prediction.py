"""Predictions: the result stays hidden until there is a guess, and stands beside it then."""

import pytest

from capkit.dashboards import predict
from capkit.dashboards.prediction import Prediction

SIDES = ["the left", "the right", "both"]


def never():
    pytest.fail("the answer was looked for before there was a guess")


def shown(question):
    return question._sentence.text


def press(question):
    question._button.click()


def test_nothing_is_computed_or_shown_before_there_is_a_guess():
    question = predict("Which side waits?", never, SIDES)
    assert isinstance(question, Prediction)
    assert repr(question) == question.reading == "Which side waits? No guess yet."
    assert (question.guess, shown(question)) == (None, "")


def test_the_result_stands_beside_a_guess_of_a_number():
    question = predict("How many?", lambda: 2 / 3, unit="%")
    question._field.value = " 50,5 % "
    press(question)
    assert shown(question) == "Your guess: 50.5 %. It is: 0.667 %."
    assert question.guess == 50.5
    assert repr(question) == f"How many? {shown(question)}"


@pytest.mark.parametrize(
    "number, text",
    [(0, "0"), (1_515, "1,515"), (-2.5, "-2.5"), (75.77, "75.8"), (1e6, "1,000,000")],
)
def test_numbers_are_short_and_have_no_exponent(number, text):
    question = predict("How many?", number)
    question.say(1)
    assert shown(question) == f"Your guess: 1. It is: {text}."


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
    question = predict("Which?", never, options)
    press(question)
    assert shown(question).startswith(says)
    assert question._sentence.wrong
    assert question.guess is None


@pytest.mark.parametrize("text", ["many", "", "1 2", "nan", "inf"])
def test_what_is_no_number_is_no_guess(text):
    question = predict("How many?", never)
    question._field.value = text
    press(question)
    assert question._sentence.wrong
    assert question.guess is None


def test_an_error_in_the_answer_is_shown_and_does_not_last():
    faults = [1]
    question = predict("How many?", lambda: 1 / len(faults) if not faults else 1 / 0)
    question._field.value = "3"
    press(question)
    assert shown(question) == "ZeroDivisionError: division by zero"
    assert question._sentence.wrong
    question._answer = lambda: 4
    press(question)
    assert shown(question) == "Your guess: 3. It is: 4."
    assert not question._sentence.wrong


def test_a_guess_can_be_given_again():
    question = predict("How many?", 7)
    for guess in (3, 8):
        question.say(guess)
        assert shown(question) == f"Your guess: {guess}. It is: 7."


@pytest.mark.parametrize("guess, rule", [("up", "one of"), (3, "one of")])
def test_a_choice_from_code_must_be_an_option(guess, rule):
    with pytest.raises(ValueError, match=f"guess must be {rule}"):
        predict("Which?", never, SIDES).say(guess)


@pytest.mark.parametrize("guess", ["3", None, True])
def test_a_number_from_code_must_be_one(guess):
    with pytest.raises(TypeError, match="guess must be a number"):
        predict("How many?", never).say(guess)


@pytest.mark.parametrize("options", [[], ["one"], ["one", "one"]])
def test_options_are_at_least_two_and_different(options):
    with pytest.raises(ValueError, match="options must be at least two, all different"):
        predict("Which?", never, options)


def test_a_literal_answer_is_checked_at_once():
    with pytest.raises(ValueError, match=r"answer must be one of .* got 'up'"):
        predict("Which?", "up", SIDES)
    with pytest.raises(TypeError, match="answer must be a number, got 'up'"):
        predict("How many?", "up")


def test_a_computed_answer_that_is_no_option_is_shown_as_an_error():
    question = predict("Which?", lambda: "up", SIDES)
    question._field.value = "both"
    press(question)
    assert "answer must be one of" in shown(question)
    assert question._sentence.wrong


def test_without_a_kernel_the_question_is_still_there(monkeypatch):
    question = predict("How many?", never)
    live = question._repr_mimebundle_()
    assert live["text/plain"] == "How many? No guess yet."
    assert "application/vnd.jupyter.widget-view+json" in live
    monkeypatch.setenv("CAPKIT_STILL", "1")
    assert question._repr_mimebundle_() == {"text/plain": "How many? No guess yet."}
