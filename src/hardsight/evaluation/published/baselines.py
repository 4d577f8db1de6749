"""The figures of FreeRAD's tables for other detectors, clean and attacked."""

Row = tuple[float, float, float]
"""AUC in % clean, under L-inf PGD at 2/255, under L2 PGD at 0.2."""

_METHODS = ("OCR-GAN", "SPADE", "CFlow", "FastFlow", "CFA")
# FreeRAD, Tables 1 to 3: category -> a row of each method
_ROWS: dict[str, tuple[Row, ...]] = {
    "carpet": ((76.6, 0, 18.5), (92.8, 0, 27.1), (98.6, 0, 13.5), (99.7, 0, 18), (99.4, 0, 65.1)),
    "grid": ((97, 0, 0), (47.3, 0, 4.1), (96.6, 0, 0), (100, 0, 0), (99.6, 0, 50)),
    "leather": ((90.7, 0, 0), (95.4, 0, 16.5), (100, 0, 9.4), (100, 6.6, 35.4), (100, 2, 77.6)),
    "tile": ((95.6, 0, 7.4), (96.5, 0, 45.9), (99.6, 0, 7.8), (100, 1.3, 30.5), (99.3, 0.1, 72.4)),
    "wood": ((95.4, 0, 0), (95.8, 0, 11), (99.7, 0, 18.1), (99.9, 0, 22), (99.7, 0, 61.8)),
    "bottle": ((97.7, 0, 0.1), (97.2, 0, 0), (100, 0, 48.5), (100, 0, 2.2), (100, 0.1, 74.6)),
    "cable": ((71.5, 0, 3.2), (84.8, 0, 0.9), (98.7, 0, 19.2), (67.4, 0, 0.3), (99.8, 0.8, 69.5)),
    "capsule": ((80.4, 0, 0), (89.7, 0, 0), (93.7, 0, 1.6), (99.2, 8.9, 13.8), (97, 0, 1.7)),
    "hazelnut": ((97.7, 0, 18.5), (88.1, 0, 0), (99.9, 0, 4.9), (99.5, 0, 0.8), (100, 0.1, 47.2)),
    "metal_nut": ((82.6, 0, 2.8), (71, 0, 0), (100, 0, 4.4), (98.2, 0, 1.7), (100, 0, 14.3)),
    "pill": ((80.8, 0, 2.7), (80.1, 0, 0.4), (93.2, 0, 0), (97.8, 0, 0), (98, 0, 3.3)),
    "screw": ((99.4, 0, 0), (66.7, 0, 0), (79, 0, 0), (91.1, 6.6, 6.6), (95.5, 0, 0)),
    "toothbrush": ((96.7, 0, 0), (88.9, 0, 0), (85.3, 0, 18.3), (94.7, 0, 3.6), (100, 0, 38.3)),
    "transistor": ((75, 0, 1.7), (90.3, 0, 4.8), (98.3, 0, 8.8), (99.4, 0, 0.4), (100, 0, 53.7)),
    "zipper": ((80.4, 0, 0), (96.6, 0, 3.2), (97.5, 0, 0), (99.6, 17.5, 19.3), (99.7, 0, 29.2)),
}
BASELINES: dict[str, dict[str, Row]] = {
    method: {category: rows[i] for category, rows in _ROWS.items()}
    for i, method in enumerate(_METHODS)
}
"""Method -> category -> its row."""

AVERAGES: dict[str, tuple[str, Row]] = {
    "OCR-GAN": ("FreeRAD, Tables 2 and 3", (87.8, 0, 3.7)),
    "SPADE": ("FreeRAD, Tables 2 and 3", (85.4, 0, 7.59)),
    "CFlow": ("FreeRAD, Tables 2 and 3", (96.0, 0, 10.3)),
    "FastFlow": ("FreeRAD, Tables 2 and 3", (98.5, 2.3, 9.9)),
    "CFA": ("FreeRAD, Tables 2 and 3", (99.2, 0.2, 43.9)),
    "PLS": ("FreeRAD, Table 4", (46.4, 16.0, 40.8)),
    "APAE": ("FreeRAD, Table 4", (64.7, 29.9, 61.2)),
    "RAE": ("FreeRAD, Table 12", (57.1, 16.8, 49.8)),
    "FreeRAD": ("FreeRAD, Table 4", (95.7, 80.5, 88.8)),
}
"""Method -> where, and its mean over MVTec AD's fifteen categories as printed: FastFlow's is not
that of its own rows, which is 96.4, 2.7 and 10.3."""

BPDA: dict[str, tuple[str, Row]] = {
    "APAE": ("FreeRAD, Table 4", (64.7, 30, 61.2)),
    "FreeRAD": ("FreeRAD, Table 4", (95.7, 88.3, 89.6)),
}
"""The same under BPDA."""
