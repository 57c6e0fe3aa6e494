"""The sentence below a picture, which screen readers announce; it also names the controls."""

from __future__ import annotations

import anywidget
from traitlets import Bool, Unicode

_SCRIPT = """
function render({ model, el }) {
  el.classList.add("capkit-sentence");
  el.setAttribute("role", "status");
  el.setAttribute("aria-live", "polite");
  // JupyterLab takes the arrow keys of a list for its own, to go from cell to cell.
  const keep = (event) => event.stopPropagation();
  const name = () => {
    const board = el.closest(".capkit-dashboard");
    if (!board) return;
    for (const handle of board.querySelectorAll("[role=slider]")) {
      const label = handle.closest(".widget-slider").querySelector(".widget-label");
      handle.setAttribute("aria-label", label.textContent);
      handle.setAttribute("aria-description", label.title);
    }
    for (const group of board.querySelectorAll(".widget-toggle-buttons")) {
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", group.querySelector(".widget-label").textContent);
    }
    for (const button of board.querySelectorAll(".widget-toggle-button")) {
      button.setAttribute("aria-pressed", button.classList.contains("mod-active"));
    }
    for (const menu of board.querySelectorAll("select")) menu.onkeydown = keep;
    for (const image of board.querySelectorAll("img")) image.alt = model.get("text");
  };
  const show = () => {
    el.textContent = model.get("text");
    el.classList.toggle("capkit-wrong", model.get("wrong"));
    requestAnimationFrame(name);
  };
  model.on("change:text change:wrong", show);
  show();
}
export default { render };
"""

_STYLE = """
.capkit-sentence {
  border-left: 6px solid #0072B2;
  padding: 4px 12px;
  box-sizing: border-box;
  line-height: 1.4;
  font-size: var(--capkit-sentence, 17px);
  color: var(--jp-content-font-color1, inherit);
}
.capkit-dashboard { --jp-widgets-font-size: 15px; gap: 0 8px; }
.capkit-dashboard.capkit-classroom {
  --jp-widgets-font-size: 18px;
  --jp-widgets-inline-height: 32px;
  --capkit-sentence: 21px;
}
.capkit-dashboard :is(.widget-slider, .widget-toggle-buttons, .widget-dropdown) {
  flex-wrap: wrap;
}
.capkit-dashboard :is(.widget-slider, .widget-toggle-buttons, .widget-dropdown) > .widget-label {
  flex: 1 0 100%;
  max-width: none;
  text-align: left;
}
.capkit-dashboard .slider-container { flex: 1 1 80px; }
.capkit-dashboard .widget-readout { flex: 0 0 auto; }
.capkit-dashboard .widget-button {
  height: auto;
  min-height: var(--jp-widgets-inline-height);
  line-height: 1.3;
  white-space: normal;
}
.capkit-question { font-size: var(--capkit-sentence, 17px); white-space: normal; }
.capkit-sentence:empty { border-left-color: transparent; }
.capkit-sentence.capkit-wrong { border-left-color: #D55E00; }
"""


class Sentence(anywidget.AnyWidget):
    """One sentence that a screen reader reads out whenever it changes.

    A slider of ipywidgets has no name that a screen reader can find, a picture no description,
    and a list no arrow keys; where the sentence stands in a dashboard, it gives them theirs.

    Attributes
    ----------
    text : str
        What is shown.
    wrong : bool
        Whether the sentence says that something went wrong.
    """

    _esm = _SCRIPT
    _css = _STYLE

    text = Unicode("").tag(sync=True)
    wrong = Bool(False).tag(sync=True)
