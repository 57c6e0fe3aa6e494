import pytest

from capkit.history import Outcome, story


def test_a_story_has_a_row_for_each_client_and_a_word_for_each_10_ms():
    history = story("x=1 y=b! / ... x?- y?b")
    found = [(e.client, e.kind, e.key, e.value, e.invoked, e.completed) for e in history]
    assert found == [
        (0, "put", "x", 1, 0, 5),
        (0, "put", "y", "b", 10, 15),
        (1, "get", "x", None, 10, 15),
        (1, "get", "y", "b", 20, 25),
    ]
    unknown = Outcome.UNKNOWN
    assert [e.outcome for e in history] == [Outcome.OK, unknown, Outcome.OK, Outcome.OK]


@pytest.mark.parametrize("word", ["x", "x=", "x!1", "..", "x?1!"])
def test_a_word_that_says_nothing_is_refused(word):
    with pytest.raises(ValueError, match=r"text must have words such as .* got "):
        story(f"x=1 {word}")
