"""A JupyterLab of the tests' own, and a page in the system's Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
SETTINGS = {
    "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    "docmanager-extension/plugin": '{"autosave": false}',
    "notebook-extension/tracker": '{"windowingMode": "none"}',
}


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Address of a JupyterLab that serves a copy of the notebooks."""
    scratch = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", scratch / "notebooks")
    for name, text in SETTINGS.items():
        path = scratch / "settings/@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": scratch / "notebooks",
        "IdentityProvider.token": "",
        "LabApp.user_settings_dir": scratch / "settings",
        "LabApp.workspaces_dir": scratch / "workspaces",
        "LabApp.expose_app_in_browser": True,
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    environment = os.environ | {"JUPYTER_RUNTIME_DIR": str(scratch / "runtime")}
    with open(scratch / "log", "w+") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            until(lambda: _answers(f"{address}/api/status"), "JupyterLab answers", 180)
            yield address
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture(scope="session")
def browser(chromium):
    """Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A new page of the size of a projector."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    yield page
    page.close()


def until(holds, what, seconds=60):
    """Wait until something holds, looking often; say what did not come if it never does."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"waited {seconds} s in vain until {what}"
        time.sleep(0.05)
    return found


def _answers(address):
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
