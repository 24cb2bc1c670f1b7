"""The sample dataset: rendered still lifes of fruit, with labels from the renderer.

Several fruit of three classes lie among other objects on cluttered tables, overlap, are cut by the frame, and vary in
lighting, blur and grain. A seed gives the same pictures on every machine of one kind. Those of seed 0 are shipped,
because drawing takes 15 seconds; after a change to the drawing, draw them again:

    python -m autodet.datasets.sources.sample
"""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from autodet.datasets.sources.sample_fruit import FRUIT, OTHER, Brush, Floats, Sprite, smooth_noise
from autodet.records import Mark, Split

SAMPLE_IMAGES = 240
SHIPPED = Path(__file__).parent / "assets" / "sample.zip"
SHIPPED_SEED = 0
SIZES_WH = ((400, 300), (300, 400), (360, 360), (400, 280))
MIN_VISIBLE_SHARE = 0.5


def write_sample(
    folder: Path,
    *,
    seed: int = 0,
    images: int = SAMPLE_IMAGES,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Write the sample as folders ``train``, ``val`` and ``test`` of photos with VOC labels beside them.

    Args:
        folder: The target folder; created if missing.
        seed: The random seed; the same seed gives the same pictures.
        images: The number of pictures; two thirds for train, a sixth each for val and test.
        progress: Receives the completed fraction, 0 to 1.
    """
    if seed == SHIPPED_SEED and images <= SAMPLE_IMAGES:
        with zipfile.ZipFile(SHIPPED) as archive:
            archive.extractall(folder, archive.namelist()[: 2 * images])  # a photo and its labels
        return
    for done, (name, content) in enumerate(_draw_files(seed, images), start=1):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if progress:
            progress(done / (2 * images))


def read_shipped(name: str) -> bytes:
    """Return a file of the shipped sample, such as ``test/table_006.webp``."""
    with zipfile.ZipFile(SHIPPED) as archive:
        return archive.read(name)


def _ship() -> None:
    with zipfile.ZipFile(SHIPPED, "w") as archive:
        for name, content in _draw_files(SHIPPED_SEED, SAMPLE_IMAGES):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # without a timestamp


def _draw_files(seed: int, images: int) -> Iterator[tuple[str, bytes]]:
    """Draw every photo and its labels; yield their names and contents."""
    for number in range(images):
        split: Split = ("train", "train", "val", "train", "train", "test")[number % 6]
        picture, marks = draw_scene(np.random.default_rng([seed, number]))
        photo, name = BytesIO(), f"table_{number + 1:03}"
        picture.save(photo, "WEBP", quality=80, method=6)
        yield f"{split}/{name}.webp", photo.getvalue()
        yield f"{split}/{name}.xml", _to_voc(f"{name}.webp", picture.size, marks).encode()


def draw_scene(rng: np.random.Generator) -> tuple[Image.Image, list[Mark]]:
    """Render one picture.

    Returns:
        The RGB picture, and for each fruit an annotation of its visible part.
    """
    width, height = SIZES_WH[rng.integers(len(SIZES_WH))]
    turn = rng.uniform(0, 2 * np.pi)
    scene = _Scene(_draw_table(rng, (height, width)), np.full((height, width), -1), (np.cos(turn), np.sin(turn)))
    for _ in range(rng.integers(1, 4)):
        draw = OTHER[rng.integers(len(OTHER))]
        _place(scene, rng, draw, rng.uniform(24, 60), None)
    names = list(FRUIT)
    for _ in range(rng.integers(3, 8)):
        name = names[rng.integers(len(names))]
        _place(scene, rng, FRUIT[name], rng.uniform(26, 62) * (1.2 if name == "banana" else 1), name)
    marks = [Mark(thing.name, _box_of(scene.owner == index)) for index, thing in enumerate(scene.things) if thing.name]
    return _finish(scene.canvas, rng), marks


@dataclass(frozen=True)
class _Thing:
    """A placed object: its class, or None if it is not a fruit, and its area in pixels."""

    name: str | None
    area: int


class _Scene:
    """A scene in progress: ``canvas`` (H, W, 3) and, per pixel, the ``owner``, an index of ``things`` or -1."""

    def __init__(self, canvas: Floats, owner: NDArray[np.int64], light_xy: tuple[float, float]) -> None:
        self.canvas = canvas
        self.owner = owner
        self.light_xy = light_xy
        self.things: list[_Thing] = []


def _place(
    scene: _Scene, rng: np.random.Generator, draw: Callable[[Brush], Sprite], radius: float, name: str | None
) -> None:
    """Draw an object where it and the fruit that it covers stay sufficiently visible; skip it if no place is found."""
    sprite = draw(Brush(rng, radius, rng.uniform(0, 2 * np.pi), scene.light_xy))
    solid = sprite.alpha > 0.5
    rows, columns = solid.shape
    height, width = scene.owner.shape
    for _ in range(12):
        top = int(rng.integers(-rows // 4, height - 3 * rows // 4))
        left = int(rng.integers(-columns // 4, width - 3 * columns // 4))
        inside, cut = _overlap((top, left), (rows, columns), (height, width))
        if solid[cut].sum() >= 0.65 * solid.sum() and _leaves_enough(scene, inside, solid[cut]):
            _cast_shadow(scene, sprite.alpha, top, left, radius)
            cover = sprite.alpha[cut][..., None]
            scene.canvas[inside] = scene.canvas[inside] * (1 - cover) + sprite.rgb[cut] * cover
            scene.owner[inside][solid[cut]] = len(scene.things)
            scene.things.append(_Thing(name, int(solid.sum())))
            return


def _leaves_enough(scene: _Scene, inside: tuple[slice, slice], solid: NDArray[np.bool_]) -> bool:
    hidden = np.bincount(scene.owner[inside][solid] + 1, minlength=len(scene.things) + 1)[1:]
    visible = np.bincount(scene.owner.ravel() + 1, minlength=len(scene.things) + 1)[1:]
    return all(
        left >= MIN_VISIBLE_SHARE * thing.area
        for thing, left, covered in zip(scene.things, visible - hidden, hidden, strict=True)
        if thing.name and covered
    )


def _cast_shadow(scene: _Scene, alpha: Floats, top: int, left: int, radius: float) -> None:
    """Darken the side away from the light."""
    shape = Image.fromarray((alpha * 255).astype(np.uint8))
    margin = int(radius) + 6
    top, left = top - margin, left - margin
    rows, columns = (side + 2 * margin for side in alpha.shape)
    inside, cut = _overlap((top, left), (rows, columns), scene.owner.shape)
    for share, strength in ((0.28, 0.5), (0.06, 0.45)):  # a wide soft shadow, and a tight contact shadow
        shift = share * radius
        shadow = Image.new("L", (columns, rows))
        shadow.paste(shape, (int(margin - scene.light_xy[0] * shift), int(margin - scene.light_xy[1] * shift)))
        soft = np.asarray(shadow.filter(ImageFilter.GaussianBlur(0.5 * shift + 1.5)), dtype=np.float64) / 255
        scene.canvas[inside] *= 1 - strength * soft[cut][..., None]


def _overlap(
    corner: tuple[int, int], shape: tuple[int, int], canvas: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the overlap of a patch and a canvas, as slices of the canvas and of the patch."""
    spans = [(max(at, 0), min(at + side, end)) for at, side, end in zip(corner, shape, canvas, strict=False)]
    (top, bottom), (left, right) = spans
    inside = (slice(top, bottom), slice(left, right))
    return inside, (slice(top - corner[0], bottom - corner[0]), slice(left - corner[1], right - corner[1]))


def _draw_table(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Render one of several surfaces in one of many colours."""
    surface = (_wood, _checked_cloth, _stone, _tiles, _linen)[rng.integers(5)]
    return np.clip(surface(rng, shape), 0, 1)


def _wood(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    base = np.array(((0.55, 0.38, 0.24), (0.72, 0.56, 0.38), (0.38, 0.27, 0.20), (0.66, 0.62, 0.55))[rng.integers(4)])
    plank = shape[0] / rng.integers(3, 7)
    rows = np.arange(shape[0])
    tones = rng.normal(0, 0.035, 12)[(rows // plank).astype(int)][:, None]
    grain = 0.035 * smooth_noise(rng, shape, (2.5, 70)) + 0.03 * smooth_noise(rng, shape, (9, 160))
    rings = 0.02 * np.sin(smooth_noise(rng, shape, (60, 260)) * 14)
    gaps = (rows % plank < 2)[:, None] * 0.22
    picture = base + (tones + grain + rings - gaps)[..., None]
    return picture if rng.random() < 0.6 else _quarter_turned(picture, shape)


def _quarter_turned(picture: Floats, shape: tuple[int, int]) -> Floats:
    image = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8)).rotate(90, expand=True)
    return np.asarray(image.resize((shape[1], shape[0])), dtype=np.float64) / 255


def _turned_grid(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    turn = rng.uniform(-0.5, 0.5)
    x, y = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
    return x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)


def _checked_cloth(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    colour = np.array(((0.72, 0.16, 0.18), (0.20, 0.35, 0.58), (0.25, 0.48, 0.35), (0.42, 0.42, 0.46))[rng.integers(4)])
    along, across = _turned_grid(rng, shape)
    step = rng.uniform(22, 48)
    stripes = ((along // step) % 2 + (across // step) % 2) / 2
    weave = 0.03 * np.sin(along * 1.9) * np.sin(across * 1.9)
    folds = 0.05 * smooth_noise(rng, shape, (90, 130))
    cream = np.array((0.94, 0.92, 0.87))
    mixed: Floats = cream + (colour - cream) * 0.9 * stripes[..., None]
    return mixed + (weave + folds)[..., None]


def _stone(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    base = np.array(((0.84, 0.83, 0.81), (0.36, 0.37, 0.40), (0.70, 0.65, 0.60), (0.55, 0.62, 0.60))[rng.integers(4)])
    levels = (1, 2, 4, 8)
    clouds = np.sum([0.04 / level * smooth_noise(rng, shape, (120 / level, 120 / level)) for level in levels], axis=0)
    along, _ = _turned_grid(rng, shape)
    bent = (
        along / rng.uniform(60, 120)
        + 0.5 * smooth_noise(rng, shape, (70, 70))
        + 0.12 * smooth_noise(rng, shape, (9, 9))
    )
    strength = 0.09 * np.clip(smooth_noise(rng, shape, (80, 80)), 0, 2)
    veins = strength * np.exp(-((np.sin(np.pi * bent) / 0.09) ** 2)) * rng.choice([-1.0, 1.0])
    speckles = 0.018 * smooth_noise(rng, shape, (1.6, 1.6))
    marble: Floats = base + (clouds + veins + speckles)[..., None]
    return marble


def _tiles(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    base = np.array(((0.30, 0.52, 0.58), (0.80, 0.74, 0.62), (0.52, 0.30, 0.26), (0.88, 0.88, 0.86))[rng.integers(4)])
    along, across = _turned_grid(rng, shape)
    step = rng.uniform(44, 90)
    cell = ((along // step) * 7 + (across // step) * 13).astype(int) % 31
    tones = rng.normal(0, 0.035, 31)[cell]
    joint = np.minimum(along % step, across % step) < 3
    glaze = 0.03 * smooth_noise(rng, shape, (30, 30))
    return np.where(joint[..., None], 0.62 * base + 0.2, base + (tones + glaze)[..., None])


def _linen(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    base = np.array(((0.84, 0.80, 0.73), (0.52, 0.58, 0.64), (0.68, 0.55, 0.52), (0.47, 0.53, 0.45))[rng.integers(4)])
    threads = 0.02 * smooth_noise(rng, shape, (1.5, 22)) + 0.02 * smooth_noise(rng, shape, (22, 1.5))
    folds = 0.04 * smooth_noise(rng, shape, (50, 140))
    return base + (threads + folds)[..., None]


def _finish(canvas: Floats, rng: np.random.Generator) -> Image.Image:
    """Add camera effects: light falloff, a colour cast, exposure, slight blur and grain."""
    height, width = canvas.shape[:2]
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    turn = rng.uniform(0, 2 * np.pi)
    falloff = 1 + rng.uniform(0.02, 0.2) * (x * np.cos(turn) + y * np.sin(turn)) - rng.uniform(0, 0.12) * (x**2 + y**2)
    cast = 1 + rng.uniform(-0.05, 0.07) * np.array((1, 0.1, -1))
    lit = canvas * falloff[..., None] * cast * rng.uniform(0.85, 1.15)
    lit += rng.normal(0, rng.uniform(0.004, 0.018), (height, width, 1))
    image = Image.fromarray((np.clip(lit, 0, 1) * 255).astype(np.uint8))
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.9)))


def _box_of(visible: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _to_voc(filename: str, size_wh: tuple[int, int], marks: list[Mark]) -> str:
    objects = "".join(
        f"  <object><name>{escape(mark.name)}</name><difficult>0</difficult><bndbox>"
        + "".join(
            f"<{key}>{value:g}</{key}>"
            for key, value in zip(("xmin", "ymin", "xmax", "ymax"), mark.box_xyxy, strict=True)
        )
        + "</bndbox></object>\n"
        for mark in marks
    )
    size = f"<size><width>{size_wh[0]}</width><height>{size_wh[1]}</height><depth>3</depth></size>"
    return f"<annotation>\n  <filename>{escape(filename)}</filename>\n  {size}\n{objects}</annotation>\n"


if __name__ == "__main__":
    _ship()
