"""DistributedDataParallel: each rank has a trace of its own, under the model's own names."""

import json
import os
import subprocess
import sys

SCRIPT = """
import json, os, sys
import torch, torch.distributed as dist
from torch import nn
import torchclinic as tc

dist.init_process_group("gloo")
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
parallel = nn.parallel.DistributedDataParallel(model)
optimizer = torch.optim.SGD(parallel.parameters(), lr=0.1)
torch.manual_seed(dist.get_rank())
with tc.watch(parallel, optimizer, every=1) as watch:
    for _ in range(5):
        optimizer.zero_grad()
        x = torch.randn(16, 6)
        nn.functional.cross_entropy(parallel(x), (x.sum(1) > 0).long()).backward()
        optimizer.step()
trace = watch.trace
print(json.dumps({"rank": trace.meta.get("rank"), "names": [l.name for l in trace.layers],
    "norms": trace.layer("0")["gradient_norm"].values, "losses": trace.steps["loss"].values}))
dist.destroy_process_group()
"""


def test_two_ranks_have_two_traces(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(20000 + os.getpid() % 20000)}
    common |= {"WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    ranks = [
        subprocess.Popen(
            [sys.executable, script],
            env={**os.environ, **common, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    told = []
    for process in ranks:
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        told.append(json.loads(out.splitlines()[-1]))
    assert [t["names"] for t in told] == [["0", "2"], ["0", "2"]]
    assert {t["rank"] for t in told} == {"0", "1"}
    assert told[0]["losses"] != told[1]["losses"]
    assert told[0]["norms"] == told[1]["norms"]  # gradients are averaged over the ranks
