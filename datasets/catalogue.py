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
    has_server=False,
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
    has_server=False,
)

COCO = DatasetInfo(
    name="coco",
    summary="COCO instances: every annotated object, crowds aside, as a sequence of one image; for training",
    factory="vos_bench.datasets.coco:Coco",
    splits=("train2014", "val2014", "train2017", "val2017"),
    folders=("COCO", "coco2014", "coco2017", "mscoco"),
    licence="annotations CC BY 4.0; the images have Flickr's terms of use, each its own",
    has_server=False,
)

FOLDER = DatasetInfo(
    name="folder",
    summary="Your own video: JPEGImages/SEQUENCE/*.jpg (png, bmp) and Annotations/SEQUENCE/*.png",
    factory="vos_bench.datasets.folder:Folder",
    frames_folder="vos_bench.datasets.folder:open_frames",
    splits=("all",),
    licence="your own data",
    has_server=False,
)

STATIC_IMAGES = DatasetInfo(
    name="static-images",
    summary="Still images with one object mask each, images/NAME.jpg and masks/NAME.png (ECSSD, DUTS, …); for training",
    factory="vos_bench.datasets.static_images:StaticImages",
    splits=("train",),
    folders=("ECSSD", "DUTS", "static"),
    licence="your own images; ECSSD and DUTS state none: research only",
    has_server=False,
)

SAV = DatasetInfo(
    name="sav",
    summary="SA-V: masks at 6 of 24 frames a second, one folder an object, since objects overlap; public truth",
    factory="vos_bench.datasets.sav:Sav",
    splits=("val", "test", "train"),
    folders=("SA-V", "sa-v", "SAV", "sa_v"),
    licence="CC BY 4.0",
    has_server=False,
    own_truth=True,
    source="https://ai.meta.com/datasets/segment-anything-video/",
    citation="Ravi et al., SAM 2: Segment Anything in Images and Videos, arXiv:2408.00714, 2024",
)

MOSEV1 = DatasetInfo(
    name="mosev1",
    summary="MOSE of 2023: crowded scenes; valid (311 sequences) has first masks alone: package, or --truth",
    factory="vos_bench.datasets.mose:Mosev1",
    splits=("valid", "train"),
    folders=("MOSE", "MOSEv1", "mose"),
    licence="CC BY-NC-SA 4.0",
    own_truth=True,
    source="https://mose.video/",
    citation="Ding et al., MOSE: A New Dataset for Video Object Segmentation in Complex Scenes, ICCV 2023",
)

MOSEV2 = DatasetInfo(
    name="mosev2",
    summary="MOSEv2 of 2025: more of them; valid (433 sequences) has first masks alone: package, or --truth",
    factory="vos_bench.datasets.mose:Mosev2",
    splits=("valid", "train"),
    folders=("MOSEv2", "MOSE2", "mose_v2"),
    licence="CC BY-NC-SA 4.0",
    own_truth=True,
    source="https://mose.video/",
    citation="Ding et al., MOSEv2: A More Challenging Dataset for Video Object Segmentation in Complex Scenes, 2025",
)

_LVOS_LICENCE = "annotations CC BY 4.0, data for non-commercial research only"

LVOS1 = DatasetInfo(
    name="lvos1",
    summary="LVOS of 2023: long videos at 6 frames a second; test has first masks alone: package",
    factory="vos_bench.datasets.lvos:Lvos1",
    splits=("valid", "train", "test"),
    folders=("LVOS", "LVOSv1", "LVOS_V1", "lvos_v1"),
    licence=_LVOS_LICENCE,
    own_truth=True,
    source="https://lingyihongfd.github.io/lvos.github.io/",
    citation="Hong et al., LVOS: A Benchmark for Long-term Video Object Segmentation, ICCV 2023",
)

LVOS2 = DatasetInfo(
    name="lvos2",
    summary="LVOS v2: 720 of them, of 44 categories; test has first masks alone: package",
    factory="vos_bench.datasets.lvos:Lvos2",
    splits=("valid", "train", "test"),
    folders=("LVOSv2", "LVOS_V2", "lvos_v2"),
    licence=_LVOS_LICENCE,
    own_truth=True,
    source="https://lingyihongfd.github.io/lvos.github.io/",
    citation="Hong et al., LVOS: A Benchmark for Large-scale Long-term Video Object Segmentation, TPAMI 2025",
)

LVOS = DatasetInfo(
    name="lvos",
    summary="Either version of LVOS, for scoring with --truth alone; runs say lvos1 or lvos2",
    factory="vos_bench.datasets.lvos:Lvos",
    splits=LVOS2.splits,
    folders=LVOS2.folders,
    licence=_LVOS_LICENCE,
    has_server=False,
    own_truth=True,
    truth_alone=True,
    source=LVOS2.source,
    citation=LVOS2.citation,
)

VOST = DatasetInfo(
    name="vost",
    summary="VOST: objects that change their shape; images at 10 frames a second, label maps at 5; no truth of test",
    factory="vos_bench.datasets.vost:Vost",
    splits=("val", "train", "test"),
    folders=("VOST",),
    licence="CC BY-NC-SA 4.0",
    has_server=False,
    own_truth=True,
    source="https://www.vostdataset.org/",
    citation="Tokmakov et al., Breaking the 'Object' in Video Object Segmentation, CVPR 2023",
)

BURST = DatasetInfo(
    name="burst",
    summary="BURST: tracks of 482 classes as JSON, frames of TAO; scored at 1 frame a second; public truth",
    factory="vos_bench.datasets.burst:Burst",
    splits=("val", "test"),
    folders=("BURST", "TAO"),
    licence="annotations MIT; the images have the terms of TAO's seven sources",
    has_server=False,
    own_truth=True,
    source="https://github.com/Ali2500/BURST-benchmark",
    citation="Athar et al., BURST: A Benchmark for Unifying Object Recognition, Segmentation and Tracking in Video, "
    "WACV 2023",
)
