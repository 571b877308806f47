"""Every code has a sick training, in which it is found, and a healthy one, in which nothing calls for action."""

import pytest

from .registry import PATIENTS
from .treat import diagnosed

pytestmark = pytest.mark.filterwarnings("ignore")
# Codes that say that something is wrong rather than what: told of only where nothing else is found.
SYMPTOMS = ("plateau", "zigzag", "below-baseline")


@pytest.mark.parametrize("code", PATIENTS)
def test_the_fault_is_found_in_the_sick(code):
    report = diagnosed(code, sick=True, trials=False)
    told = [finding.code for finding in report.findings if finding.severity != "info"]
    if code in SYMPTOMS:
        assert code in [finding.code for finding in report.findings]
        assert told
    else:
        assert code in told[:3]


@pytest.mark.parametrize("code", PATIENTS)
def test_the_healthy_are_left_in_peace(code):
    report = diagnosed(code, sick=False, trials=False)
    assert report.healthy, report.text()
