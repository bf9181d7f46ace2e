"""The engine that spreads runs over a Ray cluster."""

from torchclinic.engine.ray.running import run_on_ray

__all__ = ["run_on_ray"]
