from pathlib import Path


class EngineConfig:
    def __init__(self, exp_name, model):
        assert model in {"r50_aotl", "r50_deaotl"}
        Path("results").mkdir()  # as theirs does
        self.MODEL_VOS, self.MODEL_ENGINE, self.MODEL_ALIGN_CORNERS = "aot", "aotengine", True
        self.TEST_LONG_TERM_MEM_GAP, self.TEST_SHORT_TERM_MEM_SKIP = 9999, 1
