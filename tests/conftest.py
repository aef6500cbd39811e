"""What tests of several folders share."""

import pytest

from dagster_project.paths import Home
from tests.pipeline_runs import load_reference


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with reference data and no deliveries."""
    return load_reference(tmp_path_factory.mktemp("reference"))
