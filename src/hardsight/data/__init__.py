"""Data sets: decoding, layouts, splits, manifests, synthetic defects and embedded textures."""

from hardsight.data.defects import DEFECTS, Defect, UnseenError, add_defect
from hardsight.data.folder import folder
from hardsight.data.foreground import foreground
from hardsight.data.images import IMAGE_EXTENSIONS, ImageError, iter_images, read_image, read_mask
from hardsight.data.layouts import LAYOUTS, LayoutError, load, mvtec
from hardsight.data.manifest import Manifest, ManifestChanged
from hardsight.data.pseudo import PseudoAnomalies, pseudo_anomalies
from hardsight.data.samples import AnomalyData, ImageSet, Item, Sample, split_validation
from hardsight.data.symmetry import TURNS, symmetries
from hardsight.data.textures import TEXTURES, textures, write_textures

__all__ = [
    "DEFECTS",
    "IMAGE_EXTENSIONS",
    "LAYOUTS",
    "TEXTURES",
    "TURNS",
    "AnomalyData",
    "Defect",
    "ImageError",
    "ImageSet",
    "Item",
    "LayoutError",
    "Manifest",
    "ManifestChanged",
    "PseudoAnomalies",
    "Sample",
    "UnseenError",
    "add_defect",
    "folder",
    "foreground",
    "iter_images",
    "load",
    "mvtec",
    "pseudo_anomalies",
    "read_image",
    "read_mask",
    "split_validation",
    "symmetries",
    "textures",
    "write_textures",
]
