"""Data sets: decoding, layouts, splits, manifests, synthetic defects and embedded textures."""

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.datamodule import from_datamodule
from hardsight.data.decoding import Decoding
from hardsight.data.few import few
from hardsight.data.files import IMAGE_EXTENSIONS, iter_images
from hardsight.data.findings import findings, training_findings
from hardsight.data.folder import folder
from hardsight.data.image_set import ImageSet, Item, Sample
from hardsight.data.images import decode_image, from_pil, read_image
from hardsight.data.labelled import LabelledImages, Part
from hardsight.data.layouts import LABELLED, LAYOUTS, categories, load
from hardsight.data.layouts.cifar10 import cifar10, cifar10c
from hardsight.data.layouts.layout import Layout, LayoutError
from hardsight.data.layouts.mnist import mnist
from hardsight.data.manifest import Manifest, ManifestChanged
from hardsight.data.masks import read_mask
from hardsight.data.opening import ImageError
from hardsight.data.options import LoadOptions
from hardsight.data.published import (
    Counts,
    PublishedSet,
    published_category,
    published_sets,
)
from hardsight.data.remote import RemoteError, RemoteFile, Source
from hardsight.data.sheets import foreground_sheet, sheet
from hardsight.data.sources import iter_sources
from hardsight.data.splits import evenly, split_validation
from hardsight.data.streams.arrivals import arrivals
from hardsight.data.streams.frames import Frame, read_ahead
from hardsight.data.streams.reading import Reading
from hardsight.data.streams.video import is_live, video
from hardsight.data.textures import TEXTURES, textures, write_textures
from hardsight.data.tiles import Tiles
from hardsight.data.together import together
from hardsight.data.verification import Verification, verify

__all__ = [
    "IMAGE_EXTENSIONS",
    "LABELLED",
    "LAYOUTS",
    "TEXTURES",
    "AnomalyData",
    "Counts",
    "Decoding",
    "Frame",
    "ImageError",
    "ImageSet",
    "Item",
    "LabelledImages",
    "Layout",
    "LayoutError",
    "LoadOptions",
    "Manifest",
    "ManifestChanged",
    "Part",
    "PublishedSet",
    "Reading",
    "RemoteError",
    "RemoteFile",
    "Sample",
    "Source",
    "Tiles",
    "Verification",
    "arrivals",
    "categories",
    "cifar10",
    "cifar10c",
    "decode_image",
    "evenly",
    "few",
    "findings",
    "folder",
    "foreground_sheet",
    "from_datamodule",
    "from_pil",
    "is_live",
    "iter_images",
    "iter_sources",
    "load",
    "mnist",
    "published_category",
    "published_sets",
    "read_ahead",
    "read_image",
    "read_mask",
    "sheet",
    "split_validation",
    "textures",
    "together",
    "training_findings",
    "verify",
    "video",
    "write_textures",
]
