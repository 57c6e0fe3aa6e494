"""What the tests of engines share: running engines, which end with the session."""

import pytest
from support.engines import close_shared


@pytest.fixture(scope="session", autouse=True)
def _ends_shared_engines():
    yield
    close_shared()
