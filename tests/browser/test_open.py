"""`python -m capkit open`, as a student types it: a copy, and the first lesson in the browser."""

import json
import os
import subprocess
import sys

import pytest
from support.rooms import run_all, until

pytestmark = pytest.mark.browser


@pytest.fixture
def opened(tmp_path):
    """What the command prints, and the address that it gives to the browser."""
    asked = tmp_path / "asked"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {asked}\n')
    browser.chmod(0o755)
    config = tmp_path / "config"
    config.mkdir()
    server = {"allow_root": True, "port": 0}  # tests may run as root, and beside other servers
    app = {"expose_app_in_browser": True}
    (config / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": server}))
    (config / "jupyter_lab_config.json").write_text(json.dumps({"LabApp": app}))
    environment = os.environ | {"BROWSER": str(browser), "JUPYTER_CONFIG_DIR": str(config)}
    environment |= {"JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "PYTHONUNBUFFERED": "1"}
    with open(tmp_path / "out", "w+") as out:
        command = [sys.executable, "-m", "capkit", "open", "my-lessons"]
        program = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=out, stderr=out, start_new_session=True
        )
        try:
            until(lambda: asked.exists() and asked.read_text().strip(), "a browser is asked", 180)
            yield (tmp_path / "out").read_text(), asked.read_text().strip()
        finally:
            os.killpg(program.pid, 15)
            program.wait(60)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for a browser is a shell script")
def test_the_command_opens_the_first_lesson_without_outputs_and_it_runs(page, opened, screenshots):
    printed, address = opened
    assert "lessons into my-lessons, without outputs. Work there." in printed
    assert "The same by hand: jupyter lab my-lessons/00-start-here.ipynb" in printed
    page.goto(address, wait_until="domcontentloaded")
    page.wait_for_url("**/doc/tree/00-start-here.ipynb*", timeout=180_000)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=180_000)
    page.screenshot(path=screenshots / "open.png")
    assert page.locator(".jp-OutputArea-output").count() == 0
    assert page.locator("#jp-left-stack:visible").count() == 0, "no side panel takes room"
    run_all(page)
