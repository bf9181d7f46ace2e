"""A study as frames, files and TensorBoard logs."""

from torchclinic.study.exporting.files import write_csv, write_parquet
from torchclinic.study.exporting.frames import columns, to_frame
from torchclinic.study.exporting.saving import save_study
from torchclinic.study.exporting.tensorboard import write_tensorboard

__all__ = ["columns", "save_study", "to_frame", "write_csv", "write_parquet", "write_tensorboard"]
