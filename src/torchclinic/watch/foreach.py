"""Operations on many tensors at once, which torch uses in its optimizers but does not export."""

from __future__ import annotations

import torch

foreach_norm = torch._foreach_norm  # pyright: ignore[reportPrivateImportUsage]
foreach_copy_ = torch._foreach_copy_  # pyright: ignore[reportPrivateImportUsage]
foreach_sub_ = torch._foreach_sub_  # pyright: ignore[reportPrivateImportUsage]
