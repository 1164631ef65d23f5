"""The run record: what a stranger needs to trust or repeat a number. One folder a run, every file written atomically.

A run's folder holds `run.json` (`RunRecord`), one `sequences/NAME.json` (`SequenceRecord`) for each sequence that
ended, the label maps under `masks/`, and tables that are rebuilt from the sequence files (`vos_bench.records.csv`).
The sequence files are the truth: resuming reads them, and shards merge by copying them.
"""

from vos_bench.records.files import (
    SHARED_FILES,
    masks_folder,
    probabilities_folder,
    read_earlier_record,
    read_record,
    read_sequence_records,
    remove_partial_files,
    run_file,
    sequence_file,
    write_record,
)
from vos_bench.records.identity import config8, default_out, differences, identity
from vos_bench.records.models import (
    AblationEntry,
    BenchEntry,
    Counts,
    DatasetEntry,
    EnergyUse,
    ExternalScores,
    MethodEntry,
    Numerics,
    ProtocolEntry,
    RealTimeEntry,
    VariantEntry,
    WeightsEntry,
)
from vos_bench.records.run import FoundRuns, Run, find_runs, load_run
from vos_bench.records.run_record import SCHEMA_VERSION, Kind, RunRecord, Status
from vos_bench.records.sequence_record import FrameScores, ObjectRecord, SequenceRecord
