"""What the datasets are called. Kept apart, so that listing them imports none."""

from vos_bench.plugins import DatasetInfo

_YTVOS_LICENCE = "annotations CC BY 4.0, data for non-commercial research only"

DAVIS16 = DatasetInfo(
    name="davis16",
    summary="DAVIS 2016: one object a sequence (the union where the tree is the 2017 package); @full: full resolution",
    factory="vos_bench.datasets.davis:Davis16",
    splits=("val", "train", "trainval", "val@full", "train@full", "trainval@full"),
    folders=("DAVIS", "DAVIS16", "DAVIS2016", "davis"),
    licence="CC BY-NC 4.0 as part of the 2017 package; the 2016 release: BSD",
    download="vos_bench.datasets.davis_download:fetch_davis16",
)

DAVIS17 = DatasetInfo(
    name="davis17",
    summary="DAVIS 2017: several objects a sequence; the test splits have no public truth; @full: full resolution",
    factory="vos_bench.datasets.davis:Davis17",
    splits=tuple(
        split + resolution
        for resolution in ("", "@full")
        for split in ("val", "train", "trainval", "test-dev", "test-challenge")
    ),
    folders=("DAVIS", "DAVIS17", "DAVIS2017", "davis"),
    licence="CC BY-NC 4.0",
    download="vos_bench.datasets.davis_download:fetch_davis17",
)

YTVOS18 = DatasetInfo(
    name="ytvos18",
    summary="YouTube-VOS 2018, all frames; valid (474 sequences) and test have no public truth: package, or --truth",
    factory="vos_bench.datasets.youtube_vos:YouTubeVos18",
    splits=("valid", "train", "test"),
    folders=("YouTubeVOS18", "YouTubeVOS2018", "YouTube-VOS-2018", "YouTube2018"),
    licence=_YTVOS_LICENCE,
)

YTVOS19 = DatasetInfo(
    name="ytvos19",
    summary="YouTube-VOS 2019, all frames; valid (507 sequences) and test have no public truth: package, or --truth",
    factory="vos_bench.datasets.youtube_vos:YouTubeVos19",
    splits=("valid", "train", "test"),
    folders=("YouTubeVOS19", "YouTubeVOS2019", "YouTube-VOS-2019", "YouTube2019"),
    licence=_YTVOS_LICENCE,
)

YTVOS19_HOLDOUT = DatasetInfo(
    name="ytvos19-holdout",
    summary="300 sequences of YouTube-VOS 2019 train with truth, as in LWL's ablation; fetch gets the list",
    factory="vos_bench.datasets.youtube_vos:YouTubeVos19Holdout",
    splits=("train",),
    folders=(YTVOS19.name, *YTVOS19.folders),
    licence=f"{_YTVOS_LICENCE}; the list is part of pytracking (GPL-3.0)",
    download="vos_bench.datasets.youtube_vos_holdout:fetch_list",
)

DEMO = DatasetInfo(
    name="demo",
    summary="11 short sequences, each with one difficulty, that the package makes itself on first use",
    factory="vos_bench.datasets.demo:Demo",
    splits=("val", "train"),
    needs_root=False,
    licence="public domain (made of public-domain and CC0 photographs)",
)

COCO = DatasetInfo(
    name="coco",
    summary="COCO instances: every annotated object, crowds aside, as a sequence of one image; for training",
    factory="vos_bench.datasets.coco:Coco",
    splits=("train2014", "val2014", "train2017", "val2017"),
    folders=("COCO", "coco2014", "coco2017", "mscoco"),
    licence="annotations CC BY 4.0; the images have Flickr's terms of use, each its own",
)

FOLDER = DatasetInfo(
    name="folder",
    summary="Your own video: JPEGImages/SEQUENCE/*.jpg (png, bmp) and Annotations/SEQUENCE/*.png",
    factory="vos_bench.datasets.folder:Folder",
    splits=("all",),
    licence="your own data",
)
