"""CIFAR-10 and MNIST for novelty detection: one class is normal, every other anomalous."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.image_set import Sample
from hardsight.data.labelled import Part
from hardsight.data.layouts.cifar10 import CLASSES, cifar10_paths, lossy
from hardsight.data.layouts.layout import Layout
from hardsight.data.layouts.mnist import DIGITS, mnist_batch
from hardsight.data.options import LoadOptions

Pairs = list[tuple[Path, int]]


def mnist_paths(folder: Path, part: Part) -> Pairs:
    """Return the path, inside its file, and the digit of every image of a part of MNIST.

    Raises:
        FileNotFoundError: there is none.
        ValueError: a file is damaged.
    """
    file, batch = mnist_batch(folder, part)
    return [(file / f"{i:05}", int(digit)) for i, digit in enumerate(batch.labels)]


@dataclass(frozen=True)
class OneClass:
    """A set of images with classes, each of which is a category ``<place>/<class>``.

    Trained on the images of the class in the official training part, some of them held out for
    validation; tested on the whole official test part (FreeRAD, Table 14).
    """

    classes: tuple[str, ...]
    paths: Callable[[Path, Part], Pairs]
    """Place, part -> path and class of every image; FileNotFoundError where it holds none."""
    note: Callable[[Path], str] = lambda _: ""
    """Path of an image -> what a result on it must say."""

    def match(self, top: Path) -> bool:
        """Tell whether a path is a class of a place that holds the set."""
        return top.name in self.classes and not top.exists() and self._is_there(top.parent)

    def categories(self, root: Path) -> tuple[str, ...]:
        """Return the classes, if a place holds the set."""
        return self.classes if self._is_there(root) else ()

    def read(self, top: Path, options: LoadOptions) -> AnomalyData:
        """Read the data set whose normal images are of the class that a path ends in."""
        place, normal = top.parent, top.name
        number = self.classes.index(normal)
        train, tested = (self.paths(place, part) for part in ("train", "test"))
        good = [Sample(path, anomalous=False) for path, k in train if k == number]
        others = [
            Sample(path, k != number, defect="good" if k == number else self.classes[k])
            for path, k in tested
        ]
        note = self.note(good[0].path)
        root = place if place.is_dir() else place.parent
        samples = options.hold_out(good, root, tested=others)
        return options.data(root, samples, [note] if note else [], normal)

    def _is_there(self, place: Path) -> bool:
        if not (place.is_dir() or place.suffix == ".tar"):
            return False
        try:
            self.paths(place, "test")
        except (FileNotFoundError, ValueError):
            return False
        return True


_CIFAR10 = OneClass(CLASSES, cifar10_paths, lossy)
_MNIST = OneClass(DIGITS, mnist_paths)
CIFAR10_ONE_CLASS = Layout(
    "cifar10_one_class",
    "the files of CIFAR-10, its classes as categories",
    _CIFAR10.match,
    _CIFAR10.read,
    _CIFAR10.categories,
)
MNIST_ONE_CLASS = Layout(
    "mnist_one_class",
    "the files of MNIST, its digits as categories",
    _MNIST.match,
    _MNIST.read,
    _MNIST.categories,
)
