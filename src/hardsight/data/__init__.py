"""Data sets: decoding, layouts, splits, manifests, synthetic defects and embedded textures."""

from hardsight.data.cifar10 import cifar10, cifar10c
from hardsight.data.few import few
from hardsight.data.folder import folder
from hardsight.data.images import (
    IMAGE_EXTENSIONS,
    ImageError,
    from_pil,
    iter_images,
    read_image,
    read_mask,
)
from hardsight.data.labelled import LabelledImages
from hardsight.data.layouts import LAYOUTS, LayoutError, categories, load, mvtec
from hardsight.data.manifest import Manifest, ManifestChanged
from hardsight.data.mixture import Mixture
from hardsight.data.mnist import mnist
from hardsight.data.samples import AnomalyData, ImageSet, Item, Sample, split_validation
from hardsight.data.sheets import foreground_sheet, sheet
from hardsight.data.streams.arrivals import arrivals
from hardsight.data.streams.frames import Frame, read_ahead
from hardsight.data.streams.reading import Reading
from hardsight.data.streams.video import is_live, video
from hardsight.data.textures import TEXTURES, textures, write_textures
from hardsight.data.tiles import Tiles
from hardsight.data.together import together

__all__ = [
    "IMAGE_EXTENSIONS",
    "LAYOUTS",
    "TEXTURES",
    "AnomalyData",
    "Frame",
    "ImageError",
    "ImageSet",
    "Item",
    "LabelledImages",
    "LayoutError",
    "Manifest",
    "ManifestChanged",
    "Mixture",
    "Reading",
    "Sample",
    "Tiles",
    "arrivals",
    "categories",
    "cifar10",
    "cifar10c",
    "few",
    "folder",
    "foreground_sheet",
    "from_pil",
    "is_live",
    "iter_images",
    "load",
    "mnist",
    "mvtec",
    "read_ahead",
    "read_image",
    "read_mask",
    "sheet",
    "split_validation",
    "textures",
    "together",
    "video",
    "write_textures",
]
