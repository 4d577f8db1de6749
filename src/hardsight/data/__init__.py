"""Data sets: decoding, layouts, splits, manifests, synthetic defects and embedded textures."""

from hardsight.data.activation import activation_foreground
from hardsight.data.arrivals import arrivals
from hardsight.data.cifar10 import cifar10, cifar10c
from hardsight.data.corruptions import CORRUPTIONS, corrupt
from hardsight.data.crops import cropped
from hardsight.data.cutpaste import CutPaste, dilated
from hardsight.data.defects import DEFECTS, Defect, UnseenError, add_defect
from hardsight.data.distortions import LEVELS, OPERATIONS, distort
from hardsight.data.few import few
from hardsight.data.folder import folder
from hardsight.data.foreground import foreground
from hardsight.data.foregrounds import Foreground, find_foreground
from hardsight.data.frames import Frame, read_ahead
from hardsight.data.images import IMAGE_EXTENSIONS, ImageError, iter_images, read_image, read_mask
from hardsight.data.kinds import Augment, Kind, drawn
from hardsight.data.labelled import LabelledImages
from hardsight.data.layouts import LAYOUTS, LayoutError, categories, load, mvtec
from hardsight.data.manifest import Manifest, ManifestChanged
from hardsight.data.mixture import Mixture
from hardsight.data.mnist import mnist
from hardsight.data.pseudo import PseudoAnomalies, pseudo_anomalies
from hardsight.data.reading import Reading
from hardsight.data.samples import AnomalyData, ImageSet, Item, Sample, split_validation
from hardsight.data.sheets import foreground_sheet, sheet
from hardsight.data.symmetry import TURNS, symmetries, turned
from hardsight.data.textures import TEXTURES, textures, write_textures
from hardsight.data.tiles import Tiles
from hardsight.data.together import together
from hardsight.data.video import is_live, video

__all__ = [
    "CORRUPTIONS",
    "DEFECTS",
    "IMAGE_EXTENSIONS",
    "LAYOUTS",
    "LEVELS",
    "OPERATIONS",
    "TEXTURES",
    "TURNS",
    "AnomalyData",
    "Augment",
    "CutPaste",
    "Defect",
    "Foreground",
    "Frame",
    "ImageError",
    "ImageSet",
    "Item",
    "Kind",
    "LabelledImages",
    "LayoutError",
    "Manifest",
    "ManifestChanged",
    "Mixture",
    "PseudoAnomalies",
    "Reading",
    "Sample",
    "Tiles",
    "UnseenError",
    "activation_foreground",
    "add_defect",
    "arrivals",
    "categories",
    "cifar10",
    "cifar10c",
    "corrupt",
    "cropped",
    "dilated",
    "distort",
    "drawn",
    "few",
    "find_foreground",
    "folder",
    "foreground",
    "foreground_sheet",
    "is_live",
    "iter_images",
    "load",
    "mnist",
    "mvtec",
    "pseudo_anomalies",
    "read_ahead",
    "read_image",
    "read_mask",
    "sheet",
    "split_validation",
    "symmetries",
    "textures",
    "together",
    "turned",
    "video",
    "write_textures",
]
