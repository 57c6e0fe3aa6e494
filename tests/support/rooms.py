"""The rooms a class may sit in: JupyterLab, Notebook 7 and Voila, as servers of the tests' own."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import nbformat

from support import ROOT

SETTINGS = {
    "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    "docmanager-extension/plugin": '{"autosave": false}',
    "notebook-extension/tracker": '{"windowingMode": "none"}',
}
PATHS = {"lab": "doc/tree/{}?reset", "notebook": "notebooks/{}", "voila": "voila/render/{}"}
PROGRAMS = {"lab": "jupyterlab", "notebook": "notebook", "voila": "voila"}
SHOWS = r"(dashboards\.(?!predict|network)\w+\(.*\)|board)$"  # the last line of a cell
DASHBOARD = ".capkit-dashboard:has(img)"

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


def write(path, *sources):
    """Make a notebook with these cells."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


@contextmanager
def room(app, folder, scratch):
    """Address of a server of `app` that shows the notebooks of a folder."""
    for name, text in SETTINGS.items():
        path = scratch / "settings/@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copy(ROOT / "voila.json", scratch)  # it is looked for where Voila is started
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", PROGRAMS[app], "--no-browser"]
    command += [f"--{name}={value}" for name, value in _options(app, port, folder, scratch)]
    command += [str(folder)] if app == "voila" else ["--allow-root"]
    environment = os.environ | {"JUPYTER_RUNTIME_DIR": str(scratch / "runtime")}
    with open(scratch / "log", "w+") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=scratch)
        try:
            address = f"http://127.0.0.1:{port}"
            path = "/" if app == "voila" else "/api/status"
            until(lambda: _answers(address + path), f"{app} answers", 180)
            yield address
        finally:
            server.terminate()
            server.wait(20)


def _options(app, port, folder, scratch):
    if app == "voila":
        return [("port", port), ("Voila.ip", "127.0.0.1")]
    name = {"lab": "LabApp", "notebook": "JupyterNotebookApp"}[app]
    return [
        ("ServerApp.ip", "127.0.0.1"),
        ("ServerApp.port", port),
        ("ServerApp.port_retries", 0),
        ("ServerApp.root_dir", folder),
        ("IdentityProvider.token", ""),
        (f"{name}.user_settings_dir", scratch / "settings"),
        (f"{name}.workspaces_dir", scratch / "workspaces"),
        (f"{name}.expose_app_in_browser", True),
    ]


def visit(page, app, address, name):
    """Open a notebook in a room, and run it from its first cell to its last."""
    page.goto(  # Voila answers when it has run the lesson
        f"{address}/{PATHS[app].format(name)}", wait_until="domcontentloaded", timeout=180_000
    )
    if app == "voila":  # it runs the notebook by itself
        page.wait_for_selector("#rendered_cells, .jp-Notebook", timeout=120_000)
        assert "Traceback" not in page.content()
        return
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=180_000)
    run_all(page)


def run_all(page):
    """Run the notebook that a page shows from its first cell to its last."""
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.ready")
    page.evaluate(RUN_ALL)
    page.wait_for_function(IDLE, timeout=180_000)
    assert page.evaluate(ERRORS) == []
    assert page.evaluate(NOT_RUN) == 0


def dashboards_in(cells):
    """How many of the code cells end in a dashboard."""
    lasts = [cell.source.rstrip().splitlines()[-1] for cell in cells if cell.cell_type == "code"]
    return sum(bool(re.match(SHOWS, last)) for last in lasts)


def until(holds, what, seconds=60):
    """Wait until something holds, looking often; say what did not come if it never does."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"waited {seconds} s in vain until {what}"
        time.sleep(0.02)
    return found


def _answers(address):
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
