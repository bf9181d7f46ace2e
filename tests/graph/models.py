"""Small models of many kinds, for the tests of what looks at models."""

import torch
from torch import nn
from torch.nn import functional as F


class Bare(nn.Module):
    """Three layers that are bare parameters, written in three ways."""

    def __init__(self):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(4, 5))
        self.b1 = nn.Parameter(torch.randn(5))
        self.w2 = nn.Parameter(torch.randn(3, 5))
        self.w3 = nn.Parameter(torch.randn(3, 2))

    def forward(self, x):
        h = F.relu_(x @ self.w1 + self.b1)
        h = torch.tanh(F.linear(h, self.w2))
        return {"scores": torch.einsum("bi,io->bo", h, self.w3)}


class ResidualBlock(nn.Module):
    def __init__(self, channels, out):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out)
        self.shortcut = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        h = self.act(self.norm1(self.conv1(x)))
        h = self.norm2(self.conv2(h))
        h += self.shortcut(x)
        return self.act(h)


def residual_net():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.ReLU(),
        ResidualBlock(4, 4),
        ResidualBlock(4, 6),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    )


class PlainAttention(nn.Module):
    """A transformer block without norms, written by hand."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(4, 8)
        self.q, self.k, self.v, self.out = (nn.Linear(8, 8) for _ in range(4))
        self.up, self.down, self.head = nn.Linear(8, 16), nn.Linear(16, 8), nn.Linear(8, 3)

    def forward(self, x):
        x = self.embed(x)
        weights = F.softmax(self.q(x) @ self.k(x).transpose(1, 2) / 8**0.5, dim=-1)
        x = x + self.out(F.dropout(weights, 0.1, self.training) @ self.v(x))
        x = x + self.down(F.gelu(self.up(x)))
        return self.head(x.mean(1))


class Recurrence(nn.Module):
    """h = tanh(W x + U h), unrolled."""

    def __init__(self):
        super().__init__()
        self.W, self.U = nn.Linear(4, 8), nn.Linear(8, 8, bias=False)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        h = torch.zeros(len(x), 8)
        for t in range(x.shape[1]):
            h = torch.tanh(self.W(x[:, t]) + self.U(h))
        return self.head(h)


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 8)
        self.lstm = nn.LSTM(8, 6, batch_first=True, num_layers=2)
        self.head = nn.Linear(6, 1)

    def forward(self, tokens):
        out, _ = self.lstm(self.embedding(tokens))
        return self.head(out[:, -1]).squeeze(-1).sigmoid()


class SwiGLU(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(4, 8), nn.Linear(4, 8), nn.Linear(8, 4)

    def forward(self, x):
        gate = self.gate(x)
        return self.down(gate * torch.sigmoid(gate) * self.up(x))


class OwnNorm(nn.Module):
    """An RMS norm as people write it themselves."""

    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.scale


class OwnRMSNorm(OwnNorm):
    pass


def transformer(norm_first):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first)
    return nn.Sequential(nn.Embedding(10, 8), layer, nn.LayerNorm(8), nn.Linear(8, 10))


def images(rows=4):
    return torch.randn(rows, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def vectors(rows=6, width=4):
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(0))


def sequences(rows=3):
    return torch.randn(rows, 5, 4, generator=torch.Generator().manual_seed(0))


def tokens(rows=3):
    return torch.randint(0, 10, (rows, 5), generator=torch.Generator().manual_seed(0))


HEALTHY = {
    "mlp": (lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(True), nn.Linear(8, 2)), vectors),
    "bare": (Bare, vectors),
    "residual": (residual_net, images),
    "attention": (PlainAttention, sequences),
    "recurrence": (Recurrence, sequences),
    "lstm": (Tokens, tokens),
    "swiglu": (SwiGLU, vectors),
    "post-norm": (lambda: transformer(False), tokens),
    "pre-norm": (lambda: transformer(True), tokens),
    "own norm": (
        lambda: nn.Sequential(nn.Linear(4, 4), OwnRMSNorm(4), nn.Linear(4, 2), nn.Tanh()),
        vectors,
    ),
    "low rank": (
        lambda: nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 8), nn.ELU(), nn.Linear(8, 1)),
        vectors,
    ),
    "separable": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 3, 3, groups=3), nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 2, 3)
        ),
        images,
    ),
    "one-dimensional kernels": (
        lambda: nn.Sequential(nn.Conv2d(3, 6, (1, 3)), nn.Conv2d(6, 8, (3, 1)), nn.ReLU()),
        images,
    ),
    "weight norm": (
        lambda: nn.Sequential(
            nn.utils.parametrizations.weight_norm(nn.Linear(4, 8)), nn.SiLU(), nn.Linear(8, 2)
        ),
        vectors,
    ),
}
