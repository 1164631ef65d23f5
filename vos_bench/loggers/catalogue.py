"""The loggers that come with vos-bench. Each needs a package that is not a dependency of vos-bench."""

from vos_bench.plugins import LoggerInfo

MLFLOW = LoggerInfo(
    "mlflow",
    "MLflow: the server or folder of MLFLOW_TRACKING_URI; needs pip install mlflow",
    "vos_bench.loggers.mlflow:MlflowLogger",
    about=("experiment",),
)
WANDB = LoggerInfo(
    "wandb",
    "Weights & Biases, with WANDB_MODE=offline a folder; needs pip install wandb",
    "vos_bench.loggers.wandb:WandbLogger",
    about=("project", "entity"),
)
