"""What the built-in reports are called. Kept apart, so that listing them imports none."""

from vos_bench.plugins import ReportInfo

ABLATION = ReportInfo(
    "ablation", "Table 1 of the LWL paper: what each part adds", "vos_bench.reports.ablation:make_table"
)
ABLATION_AXES = ReportInfo(
    "ablation-axes", "Further axes of ablations, with seeds and minutes", "vos_bench.reports.ablation:make_axes_table"
)
ABLATION_FIGURE = ReportInfo(
    "ablation-figure",
    "Score by axis of an ablation, with its spread over seeds",
    "vos_bench.reports.ablation_figure:draw_figure",
    kind="figure",
    takes=(),
)
YTVOS18 = ReportInfo("ytvos18", "Table 2 of the LWL paper: YouTube-VOS 2018", "vos_bench.reports.paper:ytvos18")
YTVOS18_ALL = ReportInfo(
    "ytvos18-all", "YouTube-VOS 2018 with published rows from every source", "vos_bench.reports.paper:ytvos18_all"
)
DAVIS17 = ReportInfo("davis17", "Table 3 of the LWL paper: DAVIS 2017", "vos_bench.reports.paper:davis17")
DAVIS17_ALL = ReportInfo(
    "davis17-all", "DAVIS 2017 with published rows from every source", "vos_bench.reports.paper:davis17_all"
)
BOX = ReportInfo("box", "Table 4 of the LWL paper: start from boxes", "vos_bench.reports.paper:box")
DAVIS16 = ReportInfo("davis16", "DAVIS 2016, published and measured", "vos_bench.reports.paper:davis16")
YTVOS19 = ReportInfo("ytvos19", "YouTube-VOS 2019, published and measured", "vos_bench.reports.paper:ytvos19")
SAV = ReportInfo("sav", "SA-V val and test, published and measured", "vos_bench.reports.benchmarks:sav")
MOSEV1 = ReportInfo("mosev1", "MOSE of 2023, published and measured", "vos_bench.reports.benchmarks:mosev1")
MOSEV2 = ReportInfo(
    "mosev2", "MOSEv2, adaptive and classic scores, published and measured", "vos_bench.reports.benchmarks:mosev2"
)
LVOS1 = ReportInfo("lvos1", "LVOS v1, published and measured", "vos_bench.reports.benchmarks:lvos1")
LVOS2 = ReportInfo("lvos2", "LVOS v2, published and measured", "vos_bench.reports.benchmarks:lvos2")
VOST = ReportInfo("vost", "VOST, published and measured", "vos_bench.reports.benchmarks:vost")
SUMMARY = ReportInfo(
    "summary", "Methods by benchmarks, as papers of today print them", "vos_bench.reports.summary:make_table"
)
REPRODUCTION = ReportInfo(
    "reproduction",
    "Runs against the published figures of their method: within rounding, within the doubt, or off by how much",
    "vos_bench.reports.reproduction:make_table",
    takes=(),
)
SPEED = ReportInfo(
    "speed",
    "FPS, latency and memory by machine and number of objects",
    "vos_bench.reports.speed:make_table",
    takes=(),
)
LATENCY = ReportInfo(
    "latency",
    "FPS with its spread, and latencies, of each timing",
    "vos_bench.records.latency_table:latency_table",
    takes=(),
)
ATTRIBUTES = ReportInfo(
    "attributes",
    "Scores of every sequence and object; --published METHOD adds what is published of one",
    "vos_bench.reports.attributes:make_table",
    published=True,
)
BY_ATTRIBUTE = ReportInfo(
    "by-attribute",
    "Scores by size, absence, distractors, motion and the like of the objects, from the truth, with intervals",
    "vos_bench.reports.by_attribute:make_table",
    options=True,
)
FAILURES = ReportInfo(
    "failures",
    "How label maps fail: missed, drift, false reports, recovery, identity switches, flicker; VOTS's measures",
    "vos_bench.reports.failures:make_table",
    options=True,
)
PROGRESS = ReportInfo("progress", "J&F over time, for continuous integration", "vos_bench.reports.progress:make_table")
DELTA = ReportInfo(
    "delta",
    "What moved between two runs, or between a run and a published method, and whether it is significant",
    "vos_bench.reports.delta:make_table",
    published=True,
)
CALIBRATION = ReportInfo(
    "calibration",
    "Calibration error of saved probabilities, object by object",
    "vos_bench.reports.confidence:make_table",
    options=True,
)
REVIEW = ReportInfo(
    "review",
    "The frames that a person should look at first: uncertain, much changed, vanished",
    "vos_bench.reports.review:make_table",
    options=True,
    takes=("--sequences",),
)
RELIABILITY = ReportInfo(
    "reliability",
    "How often pixels are the object, against their saved probability",
    "vos_bench.reports.reliability:draw_figure",
    kind="figure",
)
CURVES = ReportInfo(
    "curves",
    "J and F over the frames of single sequences",
    "vos_bench.reports.figures:curves",
    kind="figure",
    takes=("--sequences",),
)
DISTRIBUTION = ReportInfo(
    "distribution",
    "Which share of the objects reaches which J&F",
    "vos_bench.reports.figures:distribution",
    kind="figure",
    takes=(),
)
PARETO = ReportInfo(
    "pareto",
    "Score against FPS, with published points",
    "vos_bench.reports.figures:pareto",
    kind="figure",
    takes=(),
)
SIZE = ReportInfo(
    "size",
    "J against the size of the object",
    "vos_bench.reports.figures:size",
    kind="figure",
    takes=(),
)
REAL_TIME = ReportInfo(
    "real-time", "Scores in real time beside those of the same system offline", "vos_bench.reports.real_time:make_table"
)
ROBUSTNESS = ReportInfo(
    "robustness", "Scores by corruption of the frames and its severity", "vos_bench.reports.robustness:make_table"
)
ROBUSTNESS_FIGURE = ReportInfo(
    "robustness-figure",
    "Score over the severity of corruptions",
    "vos_bench.reports.robustness:draw_figure",
    kind="figure",
    takes=(),
)
TRAINING = ReportInfo(
    "training",
    "Training curves",
    "vos_bench.reports.figures:training",
    kind="figure",
    reads="folders",
    takes=(),
)
STRIPS = ReportInfo(
    "strips",
    "Frames of the worst and the best sequence in a row, a row for each method",
    "vos_bench.reports.strips:strips",
    kind="figure",
)
ANIMATION = ReportInfo(
    "animation",
    "Methods side by side, one animated WebP for each sequence",
    "vos_bench.reports.strips:animation",
    kind="figure",
)
HTML = ReportInfo(
    "html",
    "A static site: leaderboard, run pages, sequence viewer",
    "vos_bench.reports.page.site:write_page",
    kind="page",
    of_suites=True,
)
RUNS = ReportInfo(
    "runs",
    "One line for each method and dataset: scores, speed, and the spread over seeds",
    "vos_bench.records.runs_table:runs_table",
)
