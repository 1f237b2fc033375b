"""What tests of training share."""

import pytest
import torch


@pytest.fixture
def double():
    """Make models, data and controls in float64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)
