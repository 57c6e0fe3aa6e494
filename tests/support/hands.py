"""What hands do to a dashboard in a browser, and what eyes see meanwhile."""

import base64
import io
import re
from functools import partial

import numpy as np
from PIL import Image

from support.rooms import until

# Looks at every frame: has the picture its size, has anything moved on the page?
WATCH = """board => {
  const image = board.querySelector('img');
  const place = () => {
    const box = image.getBoundingClientRect();
    return [box.x, box.y, box.width, box.height].map(Math.round).join(' ');
  };
  const watch = {frames: 0, places: new Set(), on: true};
  const look = () => {
    watch.frames += 1;
    watch.places.add(place());
    if (watch.on) requestAnimationFrame(look);
  };
  look();
  board.watch = watch;
}"""
SEEN = """board => {
  board.watch.on = false;
  return {...board.watch, places: [...board.watch.places]};
}"""
# The kernel has nothing more to do, for a few frames: a drag leaves a last value to be sent.
SETTLED = """board => new Promise(resolve => {
  const image = board.querySelector('img');
  let calm = 0, seen = image.src;
  const look = () => {
    const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
    const busy = kernel && kernel.status !== 'idle';  // Voila has no kernel that a page can see
    calm = busy || image.src !== seen ? 0 : calm + 1;
    seen = image.src;
    if (calm > 12) resolve(true);
    else requestAnimationFrame(look);
  };
  look();
})"""
# A hundred key presses at once, most of them to the right, from the left end.
BURST = """async board => {
  const image = board.querySelector('img');
  const handle = [...board.querySelectorAll('.noUi-handle')].at(-1);
  const press = key => handle.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
  let drawn = 0, after = 0, pressing = true, last = performance.now();
  image.addEventListener('load', () => {
    drawn += 1;
    if (!pressing) after += 1;
    last = performance.now();
  });
  for (let i = 0; i < 100; i += 1) {
    press(i % 10 < 7 ? 'ArrowRight' : 'ArrowLeft');
    await new Promise(requestAnimationFrame);
  }
  pressing = false;
  const end = performance.now();
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const quiet = () => performance.now() - Math.max(last, end) > 600 && kernel.status === 'idle';
  while (!quiet()) await new Promise(requestAnimationFrame);
  return {drawn, after, late: last - end, value: handle.getAttribute('aria-valuetext')};
}"""


def picture(board):
    """The address of the picture that is shown now; it changes with every new one."""
    return board.locator("img").evaluate("image => image.naturalWidth && image.src")


def reading(board):
    return board.locator("[role=status]").text_content()


def changes(board, control, act, seconds=20):
    """Use a control, and wait until picture and reading are new; nothing may jump."""
    control.scroll_into_view_if_needed()
    control.focus()
    before = until(lambda: picture(board), "the picture is shown", seconds)
    said = reading(board)
    board.evaluate(WATCH)
    act()
    until(lambda: picture(board) not in (0, before), "the picture changes", seconds)
    until(lambda: reading(board) != said, "the reading changes", seconds)
    board.evaluate(SETTLED)
    seen = board.evaluate(SEEN)
    assert seen["frames"] > 1
    assert len(seen["places"]) == 1, f"the picture moved: {seen['places']}"
    assert not board.locator(".capkit-wrong").count(), reading(board)


def painted(page, board, act):
    """How much ink each frame that Chromium painted had where the picture is, while one acts."""
    frames, session = [], page.context.new_cdp_session(page)

    def take(frame):
        frames.append(frame["data"])
        session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})

    box = {side: int(size) for side, size in board.locator("img").bounding_box().items()}
    session.on("Page.screencastFrame", take)
    session.send("Page.startScreencast", {"format": "png", "everyNthFrame": 1})
    act()
    session.send("Page.stopScreencast")
    session.detach()
    inks = []
    for frame in frames:
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(frame))).convert("L"))
        part = pixels[box["y"] : box["y"] + box["height"], box["x"] : box["x"] + box["width"]]
        inks.append(float((part < 128).mean()))
    return inks


def sliders(board):
    return board.locator(".noUi-handle").all()


def step(page, handle, large=True):
    """Move a slider by the keyboard, to where there is room."""
    at, most = (float(handle.get_attribute(f"aria-value{end}")) for end in ("now", "max"))
    handle.focus()
    keys = ("PageDown", "PageUp") if large else ("ArrowLeft", "ArrowRight")
    page.keyboard.press(keys[at < most])


def drag(page, handle):
    """Move a slider by the mouse, in small steps, to where there is room."""
    at, most = (float(handle.get_attribute(f"aria-value{end}")) for end in ("now", "max"))
    box = handle.bounding_box()
    track = handle.locator("xpath=ancestor::*[contains(@class,'noUi-target')]").bounding_box()
    way = track["width"] * (0.7 if at <= most / 2 else -0.7)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for part in range(1, 6):
        page.mouse.move(x + way * part / 5, y)
    page.mouse.up()


def reset(board):
    """Press Reset, and say what the dashboard reads then."""
    board.get_by_role("button", name="Reset", exact=True).click()
    board.evaluate(SETTLED)
    return reading(board)


def try_everything(page, board, seconds=20):
    """Move each slider by keyboard and by mouse, open each list, press each button."""
    first = sliders(board)[0]
    from_start = partial(_from_start, board, reset(board), seconds=seconds)
    for handle in sliders(board):
        from_start(handle, partial(step, page, handle))
        from_start(handle, partial(drag, page, handle))
    for button in board.locator(".widget-toggle-button:not(.mod-active)").all():
        from_start(button, button.click)
    for menu in board.locator("select").all():
        if menu.locator("option").count() > 1:
            from_start(menu, partial(_choose, page, menu))
    for button in board.locator(".widget-button").all():
        from_start(first, partial(step, page, first))
        changes(board, button, button.click, seconds)


def _from_start(board, start, control, act, seconds=20):
    if reading(board) != start:
        board.get_by_role("button", name="Reset", exact=True).click()
        until(lambda: reading(board) == start, f"Reset brings back: {start}", seconds)
        board.evaluate(SETTLED)
    changes(board, control, act, seconds)


def _choose(page, menu):
    at = menu.evaluate("menu => menu.selectedIndex")
    page.keyboard.press("ArrowUp" if at else "ArrowDown")


def try_guesses(page):
    """Give each guess of a page wrong and right, with the keyboard where it is a number.

    Returns what each question said the answer is.
    """
    found = {}
    for board in page.locator(".capkit-guess").all():
        said = board.locator("[role=status]")
        question = board.locator(".capkit-question").inner_text()
        options = [each.inner_text() for each in board.locator(".widget-toggle-button").all()]
        for guess in options or ["1"]:
            _give(board, guess, options)
            until(lambda: f"Your guess: {guess}" in said.inner_text(), "a verdict is shown")  # noqa: B023
            if "Right" not in said.inner_text():
                break
        answer = re.search(r"[Ii]t is:? (.+?)\.(?= |$)", said.inner_text())[1]
        _give(board, answer, options)
        until(lambda: "Right" in said.inner_text(), "the right guess is right")  # noqa: B023
        found[question] = answer
    return found


def _give(board, guess, options):
    if options:
        board.get_by_role("button", name=guess, exact=True).click()
        board.get_by_role("button", name="That is my guess").click()
    else:
        board.get_by_role("textbox", name="your guess").fill(guess)
        board.get_by_role("textbox", name="your guess").press("Enter")
