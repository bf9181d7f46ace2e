"""DistributedDataParallel: each rank has a trace of its own, under the model's own names."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager

SCRIPT = """
import json, os, sys
import torch, torch.distributed as dist
from torch import nn
import torchclinic as tc

dist.init_process_group("gloo", init_method=os.environ["MEET"], world_size=2,
    rank=int(os.environ["RANK"]))
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
    "norms": trace.layer("0")["gradient_norm"].values, "losses": trace.steps["loss"].values}),
    flush=True)
dist.barrier()
os._exit(0)  # gloo's threads may abort the interpreter's orderly end, which is not what is tested
"""


@contextmanager
def started(script, variables):
    """A rank, which does not outlive the test."""
    with subprocess.Popen(
        [sys.executable, script],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_two_ranks_have_two_traces(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    common = {"MEET": f"file://{tmp_path}/meet", "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    with ExitStack() as stack:
        ranks = [stack.enter_context(started(script, {**common, "RANK": str(n)})) for n in (0, 1)]
        told = []
        for process in ranks:
            out, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors
            told.append(json.loads(out.splitlines()[-1]))
    assert [t["names"] for t in told] == [["0", "2"], ["0", "2"]]
    assert {t["rank"] for t in told} == {"0", "1"}
    assert told[0]["losses"] != told[1]["losses"]
    assert told[0]["norms"] == told[1]["norms"]  # gradients are averaged over the ranks
