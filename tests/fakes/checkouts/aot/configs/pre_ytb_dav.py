from pathlib import Path


class EngineConfig:
    def __init__(self, exp_name, model):
        self.MODEL_VOS, self.DIR_DAVIS = "aot", Path("datasets", "DAVIS")
        self.DIR_EVALUATION = Path("results", "result", exp_name, "eval")
        self.DIR_EVALUATION.mkdir(parents=True, exist_ok=True)
