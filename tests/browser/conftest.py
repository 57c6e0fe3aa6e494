"""Servers with a copy of the notebooks, and a page in the system's Chromium."""

import os
import shutil
from pathlib import Path

import pytest
from support import ROOT
from support.rooms import room


@pytest.fixture(scope="session")
def notebooks(tmp_path_factory):
    """A copy of the notebooks."""
    folder = tmp_path_factory.mktemp("copy") / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder)
    return folder


def _room(app):
    @pytest.fixture(scope="session", name=app)
    def served(notebooks, tmp_path_factory):
        with room(app, notebooks, tmp_path_factory.mktemp(app)) as address:
            yield address

    return served


lab, notebook, voila = _room("lab"), _room("notebook"), _room("voila")


@pytest.fixture
def page(browser):
    """A new page of the size of a projector."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    yield page
    page.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory):
    """Where screenshots are kept."""
    folder = Path(os.environ.get("CAPKIT_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
