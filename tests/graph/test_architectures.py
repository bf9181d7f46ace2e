"""Well-known healthy architectures in miniature: nothing about them may look like a fault."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from torchclinic.graph import ForwardRecorder, model_facts


def picture(channels=3, size=16):
    return torch.randn(2, channels, size, size, generator=torch.Generator().manual_seed(0))


def rows(width=8):
    return torch.randn(4, width, generator=torch.Generator().manual_seed(0))


def steps(width=8):
    return torch.randn(4, 6, width, generator=torch.Generator().manual_seed(0))


def words():
    return torch.randint(0, 12, (4, 6), generator=torch.Generator().manual_seed(0))


class Bottleneck(nn.Module):
    """MobileNetV2: expand, depthwise, project without activation."""

    def __init__(self, channels, out, stride):
        super().__init__()
        wide = 6 * channels
        self.body = nn.Sequential(
            *(nn.Conv2d(channels, wide, 1), nn.BatchNorm2d(wide), nn.ReLU6()),
            *(nn.Conv2d(wide, wide, 3, stride, 1, groups=wide), nn.BatchNorm2d(wide), nn.ReLU6()),
            *(nn.Conv2d(wide, out, 1), nn.BatchNorm2d(out)),
        )
        self.skip = stride == 1 and channels == out

    def forward(self, x):
        return x + self.body(x) if self.skip else self.body(x)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(3, 8, 3, 1, 1), nn.Conv2d(8, 16, 3, 1, 1)
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.join, self.out = nn.Conv2d(16, 8, 3, 1, 1), nn.Conv2d(8, 2, 1)

    def forward(self, x):
        a = F.relu(self.down1(x))
        b = F.relu(self.down2(F.max_pool2d(a, 2)))
        return self.out(F.relu(self.join(torch.cat([a, self.up(b)], 1))))


class DenseLayer(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(channels), nn.Conv2d(channels, 4, 3, 1, 1)

    def forward(self, x):
        return torch.cat([x, self.conv(F.relu(self.norm(x)))], 1)


class SqueezeExcite(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.squeeze, self.excite = nn.Conv2d(3, 8, 3), nn.Linear(8, 2), nn.Linear(2, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = F.relu(self.conv(x))
        scale = torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3))))))
        return self.head((x * scale[:, :, None, None]).mean((2, 3)))


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 3, 1, 1)
        self.c, self.head = nn.Conv2d(4, 4, 3, 1, 1), nn.Linear(8, 3)

    def forward(self, x):
        x = torch.cat([F.relu(self.a(x)), F.relu(self.c(F.relu(self.b(x))))], 1)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode, self.mean, self.scale = nn.Linear(8, 6), nn.Linear(6, 2), nn.Linear(6, 2)
        self.up, self.out = nn.Linear(2, 6), nn.Linear(6, 8)

    def forward(self, x):
        h = torch.tanh(self.encode(x))
        mean, log = self.mean(h), self.scale(h)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log)
        return self.out(torch.tanh(self.up(z))), mean, log


class ViT(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, 16))
        self.position = nn.Parameter(torch.zeros(1, 17, 16))
        block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)
        self.blocks = nn.Sequential(block)
        self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 3)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.position
        return self.head(self.norm(self.blocks(x))[:, 0])


class GPT(nn.Module):
    """Causal attention by hand, with the output tied to the embedding."""

    def __init__(self):
        super().__init__()
        self.embedding, self.position = nn.Embedding(12, 16), nn.Embedding(6, 16)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(16) for _ in range(3))
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)
        self.up, self.down = nn.Linear(16, 64), nn.Linear(64, 16)

    def forward(self, tokens):
        x = self.embedding(tokens) + self.position(torch.arange(tokens.shape[1]))
        q, k, v = self.qkv(self.norm1(x)).chunk(3, -1)
        heads = [t.view(*t.shape[:2], 2, 8).transpose(1, 2) for t in (q, k, v)]
        a = F.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.out(a.transpose(1, 2).flatten(2))
        x = x + self.down(F.gelu(self.up(self.norm2(x))))
        return F.linear(self.norm3(x), self.embedding.weight)


class Additive(nn.Module):
    """A recurrent encoder with additive attention over its states."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(8, 8, batch_first=True, bidirectional=True)
        self.key, self.score, self.head = nn.Linear(16, 8), nn.Linear(8, 1), nn.Linear(16, 2)

    def forward(self, x):
        states, _ = self.rnn(x)
        weights = torch.softmax(self.score(torch.tanh(self.key(states))), 1)
        return self.head((weights * states).sum(1))


class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Conv1d(8, 8, 1)
        self.filter, self.gate = nn.Conv1d(8, 8, 3, padding=1), nn.Conv1d(8, 8, 3, padding=1)
        self.skip, self.head = nn.Conv1d(8, 8, 1), nn.Conv1d(8, 2, 1)

    def forward(self, x):
        x = self.inner(x.transpose(1, 2))
        h = torch.tanh(self.filter(x)) * torch.sigmoid(self.gate(x))
        return self.head(F.relu(x + self.skip(h)))


class Cell(nn.Module):
    """An LSTM cell by hand."""

    def __init__(self):
        super().__init__()
        self.x, self.h, self.head = nn.Linear(8, 32), nn.Linear(8, 32), nn.Linear(8, 2)

    def forward(self, x):
        h = c = torch.zeros(len(x), 8)
        for t in range(x.shape[1]):
            i, f, g, o = (self.x(x[:, t]) + self.h(h)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        return self.head(h)


class Experts(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.heads = nn.Linear(8, 3), nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        weights = self.gate(x).softmax(-1)
        outs = torch.stack([F.relu(head(x)) for head in self.heads], 1)
        return self.head(torch.einsum("bk,bko->bo", weights, outs))


class LoRA(nn.Module):
    def __init__(self):
        super().__init__()
        self.base, self.head = nn.Linear(8, 8), nn.Linear(8, 2)
        self.down = nn.Parameter(torch.randn(8, 2))
        self.up = nn.Parameter(torch.zeros(2, 8))

    def forward(self, x):
        return self.head(F.relu(self.base(x) + x @ self.down @ self.up))


class TwoHeads(nn.Module):
    """Actor and critic on one body."""

    def __init__(self):
        super().__init__()
        self.body, self.actor, self.critic = nn.Linear(8, 8), nn.Linear(8, 3), nn.Linear(8, 1)

    def forward(self, x):
        h = torch.tanh(self.body(x))
        return {"policy": self.actor(h).log_softmax(-1), "value": self.critic(h).squeeze(-1)}


ARCHITECTURES = {
    "mobilenet": (
        lambda: nn.Sequential(
            *(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU6()),
            *(Bottleneck(8, 8, 1), Bottleneck(8, 12, 2), Bottleneck(12, 12, 1)),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 30)),
        ),
        picture,
        1,
    ),
    "unet": (UNet, picture, 1),
    "densenet": (
        lambda: nn.Sequential(
            *(nn.Conv2d(3, 4, 3), DenseLayer(4), DenseLayer(8), nn.BatchNorm2d(12), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 3)),
        ),
        picture,
        1,
    ),
    "squeeze-excite": (SqueezeExcite, picture, 1),
    "inception": (Inception, picture, 1),
    "vae": (VAE, rows, 3),
    "vit": (ViT, picture, 1),
    "gpt": (GPT, words, 1),
    "additive attention": (Additive, steps, 1),
    "wavenet": (WaveNet, steps, 1),
    "lstm cell by hand": (Cell, steps, 1),
    "mixture of experts": (Experts, rows, 1),
    "lora": (LoRA, rows, 1),
    "two heads": (TwoHeads, rows, 2),
    "linear bottleneck autoencoder": (
        lambda: nn.Sequential(
            *(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2)),
            *(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 8)),
        ),
        rows,
        1,
    ),
    "decoder": (
        lambda: nn.TransformerDecoderLayer(8, 2, 16, batch_first=True),
        lambda: (steps(), steps()),
        None,
    ),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_nothing_looks_like_a_fault(name):
    make, inputs, outputs = ARCHITECTURES[name]
    torch.manual_seed(0)
    model, given = make(), inputs()
    with ForwardRecorder(model) as recorder:
        model(*given) if isinstance(given, tuple) else model(given)
    found = recorder.result()
    assert found.linear_pairs == ()
    assert found.inner_softmax == ()
    if outputs is not None:
        assert sum(layer.output for layer in found.layers) == outputs
    facts = model_facts(model, found)
    known = sum(layer.parameters for layer in facts.layers)
    assert known > 0.9 * facts.parameters or name in {"vit", "gpt"}
