"""What all tests share: the length of property runs, and a browser that CI must have."""

import os
import shutil
from pathlib import Path

import hypothesis
import pytest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# The same examples on every machine: a class never sees a test that is red by chance.
hypothesis.settings.register_profile("capkit", deadline=None, derandomize=True)
hypothesis.settings.load_profile("capkit")


def pytest_addoption(parser):
    """Add `--examples` and `--engine-runs`, the lengths of the long tests."""
    parser.addoption(
        "--examples",
        type=int,
        default=200,
        metavar="N",
        help="random cases per property; 100000 for the full run (default: 200)",
    )
    parser.addoption(
        "--engine-runs",
        type=int,
        default=1,
        metavar="N",
        help="runs of each real engine under each fault; 20 for the full run (default: 1)",
    )


@pytest.fixture(scope="session")
def examples(request):
    """How many random cases a property is tried on."""
    return request.config.getoption("--examples")


@pytest.fixture(scope="session")
def engine_runs(request):
    """How often a real engine meets each fault."""
    return request.config.getoption("--engine-runs")


@pytest.fixture
def tell(capsys):
    """Print a line that nobody has to ask for."""

    def tell(line):
        with capsys.disabled():
            print(f"\n{line}", end=" ", flush=True)

    return tell


@pytest.fixture(scope="session")
def chromium():
    """Path of the browser to drive, the system's own or Playwright's."""
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if not Path(path).exists():
        pytest.skip("no Chromium here: install it, or run `python -m playwright install chromium`")
    return path


@pytest.fixture(scope="session")
def browser(chromium):
    """Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Turn a skipped browser or engine test into a failure where CI says that it must run."""
    report = (yield).get_result()
    needs = [
        name
        for name in ("browser", "engine")
        if item.get_closest_marker(name) and os.environ.get(f"CAPKIT_REQUIRE_{name.upper()}")
    ]
    expected_failure = hasattr(report, "wasxfail")
    if needs and report.skipped and not expected_failure:
        report.outcome = "failed"
        report.longrepr = f"{needs[0]} test skipped although it must run here: {report.longrepr}"


@pytest.fixture(autouse=True)
def _widgets_of_its_own(monkeypatch):
    """Let no test close the dashboards of another: of each kind only the last few live."""
    monkeypatch.setattr("capkit.dashboards.lifetime._living", {})
