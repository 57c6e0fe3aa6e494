"""What a class sees: every notebook in a real JupyterLab in a real browser."""

from pathlib import Path

import pytest

from .conftest import ROOT, until

NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))

RUN_ALL = """() => {
  window.ran = false;
  const commands = window.jupyterapp.commands;
  commands.execute('notebook:clear-all-cell-outputs');
  commands.execute('notebook:run-all-cells').finally(() => { window.ran = true; });
}"""
IDLE = """() => {
  const session = window.jupyterapp.shell.currentWidget.sessionContext.session;
  return window.ran && session && session.kernel && session.kernel.status === 'idle';
}"""
ERRORS = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
  .filter(cell => cell.type === 'code')
  .flatMap(cell => cell.outputs.toJSON())
  .filter(output => output.output_type === 'error')
  .map(output => output.ename + ': ' + output.evalue)"""
NOT_RUN = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
  .filter(cell => cell.type === 'code' && cell.executionCount === null).length"""
DASHBOARDS = ".jp-OutputArea-output .widget-vbox:has(img)"

pytestmark = pytest.mark.browser


def run(page, lab, name):
    """Open a notebook, and run it from its first cell to its last."""
    page.goto(f"{lab}/doc/tree/{name}?reset", wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.ready")
    page.evaluate(RUN_ALL)
    page.wait_for_function(IDLE, timeout=120_000)
    assert page.evaluate(ERRORS) == []
    assert page.evaluate(NOT_RUN) == 0


def picture(dashboard):
    """The address of the picture that is shown now; it changes with every new one."""
    return dashboard.locator("img").evaluate("image => image.naturalWidth && image.src")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_notebook_runs_and_its_dashboards_answer_to_the_keyboard(page, lab, name):
    """Run All raises nothing; in each dashboard an arrow key changes picture and reading."""
    run(page, lab, name)
    source = Path(ROOT, "notebooks", name).read_text()
    dashboards = page.locator(DASHBOARDS)
    expected = source.count("widget-view+json")
    until(lambda: dashboards.count() == expected, f"{expected} dashboards are shown")
    for place in range(expected):
        dashboard = dashboards.nth(place)
        before = until(lambda: picture(dashboard), "the picture is shown")  # noqa: B023
        size = dashboard.locator("img").bounding_box()
        said = dashboard.locator("[role=status]").inner_text()
        dashboard.locator(".noUi-handle").first.focus()
        page.keyboard.press("PageUp")
        until(lambda: picture(dashboard) not in (0, before), "the picture changes")  # noqa: B023
        status = dashboard.locator("[role=status]")
        until(lambda: status.inner_text() != said, "the reading changes")  # noqa: B023
        after = dashboard.locator("img").bounding_box()
        assert (after["width"], after["height"]) == (size["width"], size["height"])
