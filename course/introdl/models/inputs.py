"""What a network takes: pictures as normalized numbers."""

from __future__ import annotations

import torch


def normalize(images: torch.Tensor, mean, std) -> torch.Tensor:
    """Turn bytes into what a network takes: (images / 255 - mean) / std.

    Parameters
    ----------
    images : torch.Tensor
        uint8, (N, H, W, 3).
    mean, std : sequence of three floats
        Of red, green and blue in [0, 1].

    Returns
    -------
    torch.Tensor
        float32, (N, 3, H, W), channels-last in memory.
    """
    mean, std = (torch.as_tensor(each, dtype=torch.float32, device=images.device) for each in (mean, std))
    return ((images.float() / 255 - mean) / std).permute(0, 3, 1, 2)
