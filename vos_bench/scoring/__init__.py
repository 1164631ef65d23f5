"""Scores label maps on disk against the truth: frame by frame, sequence by sequence, several at a time."""

from vos_bench.scoring.preflight import preflight
from vos_bench.scoring.sequences import SequenceResult, score_sequence, score_sequences
from vos_bench.scoring.truth import TruthFolder, truth_folder

__all__ = ["SequenceResult", "TruthFolder", "preflight", "score_sequence", "score_sequences", "truth_folder"]
