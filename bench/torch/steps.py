#!/usr/bin/python3
"""Milliseconds per training step of an MLP, a CNN and a small transformer encoder in Python's torch: the twin of
bench/Gristmill.Bench/Torch/TorchStepBench.cs. Usage: steps.py CASE THREADS STEPS; prints one JSON line."""
import json
import os
import resource
import sys
import time

# The same waiting policy on both sides, for a machine that does other things too.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# torch.set_num_threads does not reach the BLAS that Debian's torch is linked with.
os.environ.setdefault("OPENBLAS_NUM_THREADS", sys.argv[2])
import torch
import torch.nn.functional as F
from torch import nn


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 32, 3)
        self.second = nn.Conv2d(32, 64, 3)
        self.hidden = nn.Linear(9216, 128)
        self.last = nn.Linear(128, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.second(F.relu(self.first(x)))), 2)
        return self.last(F.relu(self.hidden(x.flatten(1))))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(256, 4, 1024, dropout=0.0)
        self.layers = nn.TransformerEncoder(layer, 4)
        self.last = nn.Linear(256, 10)

    def forward(self, x):
        return self.last(self.layers(x).mean(0))


def mlp():
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


CASES = {
    "mlp-sgd": (mlp, lambda p: torch.optim.SGD(p, lr=1e-5), (64, 784)),
    "mlp-adamw": (mlp, lambda p: torch.optim.AdamW(p, lr=1e-5), (64, 784)),
    "cnn": (Cnn, lambda p: torch.optim.AdamW(p, lr=1e-5), (64, 1, 28, 28)),
    "transformer": (Encoder, lambda p: torch.optim.AdamW(p, lr=1e-5), (64, 16, 256)),
}


def main():
    case, threads, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    make, optimise, shape = CASES[case]
    model = make()
    optimizer = optimise(model.parameters())
    x = torch.randn(*shape)
    # The encoder is sequence first: 64 steps of 16 rows.
    y = torch.randint(0, 10, (shape[1] if case == "transformer" else shape[0],))

    def step():
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    for _ in range(max(3, steps // 10)):
        loss = step()
    times = []
    faults, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, time.process_time()
    for _ in range(steps):
        start = time.perf_counter()
        loss = step()
        times.append(time.perf_counter() - start)
    faults, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults, time.process_time() - cpu
    times.sort()
    print(json.dumps({
        "ms_per_step": 1000 * times[len(times) // 2],
        "cpu_ms_per_step": 1000 * cpu / steps,
        "faults_per_step": faults / steps,
        "loss": loss,
        "torch": torch.__version__,
    }))


if __name__ == "__main__":
    main()
