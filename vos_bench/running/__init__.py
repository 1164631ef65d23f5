"""The parts of `vos_bench.runner`: planning, reading ahead, prompts, checking, timing and saving of one sequence."""
