"""Spread over a GPU or not, a group norm is a group norm."""

import pytest
import torch
from torch import nn

from ive_segmentation.segmentation.normalising import spread_group_norms


@pytest.mark.parametrize("pictures", [1, 2, 3])
@pytest.mark.parametrize(("dtype", "within"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_spread_group_norms_give_what_torch_gives(
    pictures: int, dtype: torch.dtype, within: float, layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    norm = nn.GroupNorm(8, 64)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    features = (3 * torch.randn(pictures, 64, 24, 20) + 1).contiguous(memory_format=layout)
    expected = norm.to(dtype)(features.to(dtype))
    spread_group_norms(nn.ModuleList([norm]))
    found = norm(features.to(dtype))
    assert found.dtype == dtype
    torch.testing.assert_close(found, expected, rtol=within, atol=within)
