"""The formulas that the members state, written down once more: a step from the gradients so far.

Each function gets the weights at first, the gradient as a function of (weights, t) and the number
of steps, and returns the weights after them. t counts from 1. Nothing here knows of torch.optim.
"""

import numpy as np


def sgd(w, g, steps, lr):
    for t in range(1, steps + 1):
        w = w - lr * g(w, t)
    return w


def momentum(w, g, steps, lr, rho=0.9):
    v = 0
    for t in range(1, steps + 1):
        v = rho * v + g(w, t)
        w = w - lr * v
    return w


def nesterov(w, g, steps, lr, rho=0.9):
    v = 0
    for t in range(1, steps + 1):
        v = rho * v + g(w - lr * rho * v, t)
        w = w - lr * v
    return w - lr * rho * v  # torch keeps the point that looks ahead


def adagrad(w, g, steps, lr, eps=1e-10):
    total = 0
    for t in range(1, steps + 1):
        d = g(w, t)
        total = total + d**2
        w = w - lr / (np.sqrt(total) + eps) * d
    return w


def adadelta(w, g, steps, lr, rho=0.9, eps=1e-6):
    v = u = 0
    for t in range(1, steps + 1):
        d = g(w, t)
        v = rho * v + (1 - rho) * d**2
        step = np.sqrt((u + eps) / (v + eps)) * d
        u = rho * u + (1 - rho) * step**2
        w = w - lr * step
    return w


def rmsprop(w, g, steps, lr, alpha=0.99, eps=1e-8):
    v = 0
    for t in range(1, steps + 1):
        d = g(w, t)
        v = alpha * v + (1 - alpha) * d**2
        w = w - lr / (np.sqrt(v) + eps) * d
    return w


def adam(w, g, steps, lr, b1=0.9, b2=0.999, eps=1e-8, decay=0.0, coupled=0.0):
    m = v = 0
    for t in range(1, steps + 1):
        d = g(w, t) + coupled * w
        m = b1 * m + (1 - b1) * d
        v = b2 * v + (1 - b2) * d**2
        step = (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
        w = w - lr * decay * w - lr * step
    return w


def adamw(w, g, steps, lr):
    return adam(w, g, steps, lr, decay=0.01)


def adamax(w, g, steps, lr, b1=0.9, b2=0.999, eps=1e-8):
    m = u = 0
    for t in range(1, steps + 1):
        d = g(w, t)
        m = b1 * m + (1 - b1) * d
        u = np.maximum(b2 * u, np.abs(d) + eps)
        w = w - lr / (1 - b1**t) * m / u
    return w


def nadam(w, g, steps, lr, b1=0.9, b2=0.999, eps=1e-8):
    def mu(t):
        return b1 * (1 - 0.5 * 0.96 ** (0.004 * t))

    m = v = 0
    product = 1
    for t in range(1, steps + 1):
        d = g(w, t)
        m = b1 * m + (1 - b1) * d
        v = b2 * v + (1 - b2) * d**2
        product = product * mu(t)
        ahead = mu(t + 1) * m / (1 - product * mu(t + 1)) + (1 - mu(t)) * d / (1 - product)
        w = w - lr * ahead / (np.sqrt(v / (1 - b2**t)) + eps)
    return w


def radam(w, g, steps, lr, b1=0.9, b2=0.999, eps=1e-8):
    m = v = 0
    limit = 2 / (1 - b2) - 1
    for t in range(1, steps + 1):
        d = g(w, t)
        m = b1 * m + (1 - b1) * d
        v = b2 * v + (1 - b2) * d**2
        rho = limit - 2 * t * b2**t / (1 - b2**t)
        scale = 1
        if rho > 5:
            r = np.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
            scale = r * np.sqrt(1 - b2**t) / (np.sqrt(v) + eps)
        w = w - lr * m / (1 - b1**t) * scale
    return w


def asgd(w, g, steps, lr, lambd=1e-4):
    eta = lr
    for t in range(1, steps + 1):
        w = w * (1 - lambd * eta) - eta * g(w, t)
        eta = lr / (1 + lambd * lr * t) ** 0.75
    return w


def rprop(w, g, steps, lr):
    size, last = np.full_like(w, lr), np.zeros_like(w)
    for t in range(1, steps + 1):
        d = g(w, t)
        same = np.sign(d * last)
        size = np.clip(size * np.where(same > 0, 1.2, np.where(same < 0, 0.5, 1.0)), 1e-6, 50)
        d = np.where(same < 0, 0.0, d)
        w = w - size * np.sign(d)
        last = d
    return w


def adafactor(w, g, steps, lr):
    row = col = 0
    floor = np.finfo(w.dtype).eps
    for t in range(1, steps + 1):
        d = g(w, t)
        b2 = 1 - t**-0.8
        row = b2 * row + (1 - b2) * (d**2).mean(1, keepdims=True)
        col = b2 * col + (1 - b2) * (d**2).mean(0, keepdims=True)
        v = row @ col / np.maximum(row.mean(0, keepdims=True), floor)
        step = d / np.sqrt(np.maximum(v, floor**2))
        step = step / max(1.0, np.sqrt((step**2).mean()))
        rate = min(lr, t**-0.5) * max(1e-3, np.sqrt((w**2).mean()))
        w = w - rate * step
    return w


def adabelief(w, g, steps, lr, b1=0.9, b2=0.999, eps=1e-16):
    m = s = 0
    for t in range(1, steps + 1):
        d = g(w, t)
        m = b1 * m + (1 - b1) * d
        s = b2 * s + (1 - b2) * (d - m) ** 2 + eps
        w = w - lr * (m / (1 - b1**t)) / (np.sqrt(s / (1 - b2**t)) + eps)
    return w


def lion(w, g, steps, lr, b1=0.9, b2=0.99):
    m = 0
    for t in range(1, steps + 1):
        d = g(w, t)
        w = w - lr * np.sign(b1 * m + (1 - b1) * d)
        m = b2 * m + (1 - b2) * d
    return w


def signsgd(w, g, steps, lr, rho=0.9):
    m = 0
    for t in range(1, steps + 1):
        m = rho * m + (1 - rho) * g(w, t)
        w = w - lr * np.sign(m)
    return w


def tiger(w, g, steps, lr, beta=0.965, decay=0.01):
    m = 0
    for t in range(1, steps + 1):
        m = beta * m + (1 - beta) * g(w, t)
        w = w * (1 - lr * decay) - lr * np.sign(m)
    return w


def adopt(w, g, steps, lr, b1=0.9, b2=0.9999, eps=1e-6):
    m, v = 0, g(w, 1) ** 2
    for t in range(2, steps + 1):
        d = g(w, t)
        limit = t**0.25
        m = b1 * m + (1 - b1) * np.clip(d / np.maximum(np.sqrt(v), eps), -limit, limit)
        w = w - lr * m
        v = b2 * v + (1 - b2) * d**2
    return w


def yogi(w, g, steps, lr, b1=0.9, b2=0.999, eps=1e-3):
    m = v = np.full_like(w, 1e-6)
    for t in range(1, steps + 1):
        d = g(w, t)
        m = b1 * m + (1 - b1) * d
        v = v - (1 - b2) * np.sign(v - d**2) * d**2
        w = w - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    return w


def laprop(w, g, steps, lr, b1=0.9, b2=0.999, eps=1e-15):
    m = v = 0
    for t in range(1, steps + 1):
        d = g(w, t)
        v = b2 * v + (1 - b2) * d**2
        m = b1 * m + (1 - b1) * d / (np.sqrt(v / (1 - b2**t)) + eps)
        w = w - lr * m / (1 - b1**t)
    return w


def diffgrad(w, g, steps, lr, b1=0.9, b2=0.999, eps=1e-8):
    m = v = last = 0
    for t in range(1, steps + 1):
        d = g(w, t)
        m = b1 * m + (1 - b1) * d
        v = b2 * v + (1 - b2) * d**2
        friction = 1 / (1 + np.exp(-np.abs(last - d)))
        step = (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
        w = w - lr * friction * step
        last = d
    return w


def lars(w, g, steps, lr, rho=0.9, trust=0.001):
    v = 0
    for t in range(1, steps + 1):
        d = g(w, t)
        rate = trust * np.linalg.norm(w) / np.linalg.norm(d)
        v = rho * v + rate * d
        w = w - lr * v
    return w


def lamb(w, g, steps, lr, b1=0.9, b2=0.999, eps=1e-6):
    m = v = 0
    for t in range(1, steps + 1):
        d = g(w, t)
        m = b1 * m + (1 - b1) * d
        v = b2 * v + (1 - b2) * d**2
        r = m / (np.sqrt(v) + eps)
        w = w - lr / (1 - b1**t) * min(np.linalg.norm(w), 10.0) / (np.linalg.norm(r) + eps) * r
    return w


def qhadam(w, g, steps, lr):
    return adam(w, g, steps, lr)


def adan(w, g, steps, lr, betas=(0.98, 0.92, 0.99), eps=1e-8):
    b1, b2, b3 = betas  # those of the package, 1 - the paper's
    m = n = diff = 0
    last = None
    for t in range(1, steps + 1):
        d = g(w, t)
        change = d - (d if last is None else last)
        m = b1 * m + (1 - b1) * d
        diff = b2 * diff + (1 - b2) * change
        n = b3 * n + (1 - b3) * (d + b2 * change) ** 2
        root = np.sqrt(n / (1 - b3**t)) + eps
        w = w - lr * (m / (1 - b1**t) + b2 * diff / (1 - b2**t)) / root
        last = d
    return w


def ademamix(w, g, steps, lr, betas=(0.9, 0.999, 0.9999), alpha=5.0, eps=1e-8):
    b1, b2, b3 = betas
    fast = slow = v = 0
    for t in range(1, steps + 1):
        d = g(w, t)
        fast = b1 * fast + (1 - b1) * d
        slow = b3 * slow + (1 - b3) * d
        v = b2 * v + (1 - b2) * d**2
        w = w - lr * (fast / (1 - b1**t) + alpha * slow) / (np.sqrt(v / (1 - b2**t)) + eps)
    return w


def novograd(w, g, steps, lr, b1=0.95, b2=0.98, eps=1e-8):
    m, v = 0, None
    for t in range(1, steps + 1):
        d = g(w, t)
        square = (d**2).sum()
        v = square if v is None else b2 * v + (1 - b2) * square
        m = b1 * m + d / (np.sqrt(v) + eps)
        w = w - lr * m
    return w


def madgrad(w, g, steps, lr, rho=0.9, eps=1e-6):
    first, s, v = w, 0, 0
    for t in range(1, steps + 1):
        d = g(w, t)
        rate = (lr + eps) * np.sqrt(t)
        s = s + rate * d
        v = v + rate * d**2
        w = rho * w + (1 - rho) * (first - s / (np.cbrt(v) + eps))
    return w


def adabound(w, g, steps, lr, b1=0.9, b2=0.999, final=0.1, gamma=1e-3, eps=1e-8):
    m = v = 0
    for t in range(1, steps + 1):
        d = g(w, t)
        m = b1 * m + (1 - b1) * d
        v = b2 * v + (1 - b2) * d**2
        rate = lr * np.sqrt(1 - b2**t) / (1 - b1**t) / (np.sqrt(v) + eps)
        low, high = final * (1 - 1 / (gamma * t + 1)), final * (1 + 1 / (gamma * t))
        w = w - np.clip(rate, low, high) * m
    return w


def sparseadam(w, g, steps, lr):
    return adam(w, g, steps, lr)  # where every row has a gradient


def muon(w, g, steps, lr, rho=0.95, decay=0.1):
    b = 0
    for t in range(1, steps + 1):
        d = g(w, t)
        b = rho * b + d
        x = d + rho * b
        x = x / np.linalg.norm(x)
        x = x.T if w.shape[0] > w.shape[1] else x
        for _ in range(5):
            gram = x @ x.T
            x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
        x = x.T if w.shape[0] > w.shape[1] else x
        w = w * (1 - lr * decay) - lr * max(1, w.shape[0] / w.shape[1]) ** 0.5 * x
    return w
