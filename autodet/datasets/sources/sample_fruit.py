"""Fruit and other objects of the sample: shapes with height, shaded by the scene's light.

Every drawing uses units of its own radius, u to the right and v down, rotated by ``angle``; heights determine the
shading, so that the scene's light also applies to a rotated fruit.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]
Colour = tuple[float, float, float]
LIGHT_HEIGHT = 0.75
STEM: Colour = (0.32, 0.21, 0.11)
LEAF: Colour = (0.24, 0.45, 0.14)


@dataclass(frozen=True)
class Sprite:
    """A cut-out object: ``rgb`` (H, W, 3) and ``alpha`` (H, W), both 0 to 1."""

    rgb: Floats
    alpha: Floats


@dataclass(frozen=True)
class Brush:
    """Parameters of a drawing.

    Attributes:
        rng: The source of random variation.
        radius: Half the object's largest extent, in pixels.
        angle: Rotation in radians.
        light_xy: Direction to the light in the picture's plane, length 1.
    """

    rng: np.random.Generator
    radius: float
    angle: float
    light_xy: tuple[float, float]

    def grid(self) -> tuple[Floats, Floats]:
        """Return coordinates (u, v) of every pixel of the sprite, in radii, rotated by the angle."""
        half = int(np.ceil(self.radius * 1.3))
        x, y = np.meshgrid(np.arange(-half, half + 1), np.arange(-half, half + 1))
        cos, sin = np.cos(self.angle) / self.radius, np.sin(self.angle) / self.radius
        return x * cos + y * sin, y * cos - x * sin

    def edge(self, distance: Floats) -> Floats:
        """Return coverage 0 to 1 from a distance in radii that is negative inside; one pixel of antialiasing."""
        return np.clip(0.5 - distance * self.radius, 0, 1)

    def vary(self, colour: Colour, amount: float = 0.05) -> Floats:
        """Return a random variation of a colour."""
        return np.clip(np.array(colour) + self.rng.normal(0, amount, 3), 0, 1)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[float, float]) -> Floats:
    """Return noise of mean 0 and standard deviation about 1 that changes over ``cells`` (rows, columns) pixels."""
    rows, columns = (max(int(side / cell) + 3, 4) for side, cell in zip(shape, cells, strict=True))
    coarse = Image.fromarray(rng.normal(0, 1.4, (rows, columns)).astype(np.float32))
    return np.asarray(coarse.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), dtype=np.float64)


def draw_apple(brush: Brush) -> Sprite:
    """Draw an apple from the side: shoulders, a dimple with a stem, streaks of a second colour."""
    rng = brush.rng
    u, v = brush.grid()
    angle = np.arctan2(v, u)
    tall = rng.uniform(0.9, 1.02)
    up, down = _bump(angle, -np.pi / 2, 0.45), _bump(angle, np.pi / 2, 0.4)
    profile = 0.97 - 0.2 * up - 0.1 * down + 0.05 * np.cos(2 * angle + 0.4)
    reach = np.hypot(u, v / tall) / profile
    dimple = np.exp(-(u**2 / 0.07 + (v + 0.72 * tall) ** 2 / 0.012))
    height = np.sqrt(np.clip(1 - reach**2, 0, 1)) - 0.45 * dimple
    main, second = _APPLES[rng.integers(len(_APPLES))]
    longitude = u / np.sqrt(np.clip(1.05 - v**2, 0.1, 1))
    streaks = np.interp(longitude, np.linspace(-1.6, 1.6, 48), rng.normal(0, 1, 48))
    patches = smooth_noise(rng, u.shape, (brush.radius, brush.radius))
    share = 1 / (1 + np.exp(-(1.1 * patches + 0.7 * streaks - 2.2 * v - rng.uniform(0.2, 1.8))))
    share = np.clip(share * 0.35 + 0.65 * _step(share - 0.5, 0.3), 0, 1)[..., None]
    albedo = brush.vary(main) * (1 - share) + brush.vary(second) * share
    dots = smooth_noise(rng, u.shape, (2.2, 2.2)) > 2.6
    albedo = np.where(dots[..., None], albedo * 0.75 + 0.22, albedo) * (1 - 0.45 * dimple[..., None])
    sprite = _lit(brush, albedo, height, brush.edge((reach - 1) * profile), gloss=0.55)
    lean = rng.uniform(-0.25, 0.25)
    stem = np.abs(u - lean * (v + 0.78) * 1.5 + 0.25 * lean) - 0.045
    sprite = _over(sprite, STEM, brush.edge(np.maximum(stem, np.abs(v + 0.86) - 0.2)))
    return _with_leaf(brush, sprite, u, v) if rng.random() < 0.4 else sprite


def draw_banana(brush: Brush) -> Sprite:
    """Draw a banana: a tapered arc with facets, green or brown towards its ends, spots when it is ripe."""
    rng = brush.rng
    u, v = brush.grid()
    half_span = rng.uniform(0.62, 1.05)
    bend = 0.98 / np.sin(half_span)
    centre_v = bend * (1 + np.cos(half_span)) / 2
    along = np.arctan2(u, centre_v - v) / half_span
    across = (np.hypot(u, v - centre_v) - bend) * -1
    belly = rng.uniform(0.22, 0.29)
    body = belly * np.clip(1 - np.abs(np.clip(along, -1, 1)) ** 3.2, 0, 1) ** 0.62
    stalk = 0.055 * ((along > 0.5) & (along < 1.0)) + 0.035 * ((along < -0.5) & (along > -0.985))
    width = np.maximum(body, stalk) + 1e-3
    offset = across / width
    ridge = rng.uniform(0.05, 0.35)
    round_part = np.sqrt(np.clip(1 - offset**2, 0, 1))
    facets = np.clip(1 - np.where(offset > ridge, (offset - ridge) / (1 - ridge), (ridge - offset) / (1 + ridge)), 0, 1)
    height = width * (0.7 * round_part + 0.55 * facets)
    ripe = rng.uniform(0, 1)
    yellow = brush.vary((0.95, 0.80 - 0.06 * ripe, 0.20), 0.03)
    green = np.array((0.55, 0.68, 0.20))
    greenish = np.clip((np.abs(along) - 0.55) * 2.2, 0, 1) * (1 - ripe) * 0.9 + 0.25 * max(0.0, 0.3 - ripe)
    albedo = yellow + (green - yellow) * greenish[..., None]
    spots = _step(smooth_noise(rng, u.shape, (3.2, 3.2)) - (3.6 - 2.0 * ripe), 0.5)
    line = 0.35 * np.exp(-(((offset - ridge) / 0.09) ** 2)) * _step(smooth_noise(rng, u.shape, (9, 9)) + 0.3, 1)
    brown = np.clip(spots * 0.7 + line * ripe + _step(np.abs(along) - 0.93, 0.05), 0, 1)[..., None]
    albedo = albedo * (1 - brown) + np.array((0.30, 0.19, 0.08)) * brown
    outside = np.maximum(np.abs(across) - width, (np.abs(along) - 1) * half_span * bend)
    return _lit(brush, albedo, height * 1.3, brush.edge(outside), gloss=0.22)


def draw_orange(brush: Brush) -> Sprite:
    """Draw an orange: a pitted ball with a green button, or one time in seven a half showing its segments."""
    if brush.rng.random() < 0.14:
        return _draw_half_orange(brush)
    rng = brush.rng
    u, v = brush.grid()
    reach = np.hypot(u, v / rng.uniform(0.92, 1.0)) / 0.97
    pits = (0.2 * smooth_noise(rng, u.shape, (1.7, 1.7)) + 0.22 * smooth_noise(rng, u.shape, (4, 4))) / brush.radius
    button_u, button_v = rng.uniform(-0.55, 0.55, 2)
    star = np.hypot(u - button_u, v - button_v)
    star_angle = np.arctan2(v - button_v, u - button_u)
    height = np.sqrt(np.clip(1 - reach**2, 0, 1)) + pits - 0.1 * np.exp(-(star**2) / 0.025)
    tone = smooth_noise(rng, u.shape, (brush.radius, brush.radius))[..., None] * np.array((0.01, 0.03, 0.0))
    albedo = brush.vary(((0.98, 0.55, 0.06), (0.96, 0.47, 0.05), (0.99, 0.62, 0.12))[rng.integers(3)], 0.025) + tone
    sprite = _lit(brush, np.clip(albedo, 0, 1), height, brush.edge((reach - 1) * 0.97), gloss=0.3)
    button = brush.edge(star - 0.075 - 0.03 * np.cos(5 * star_angle)) * sprite.alpha
    sprite = _over(sprite, (0.38, 0.42, 0.16), button)
    return _with_leaf(brush, sprite, u - button_u, v - button_v + 0.75) if rng.random() < 0.15 else sprite


def _draw_half_orange(brush: Brush) -> Sprite:
    rng = brush.rng
    u, v = brush.grid()
    reach, angle = np.hypot(u, v), np.arctan2(v, u)
    segments = int(rng.integers(9, 12))
    within = np.abs(((angle / (2 * np.pi) * segments) % 1) - 0.5) * 2
    membrane = _step((within - 1) * reach * np.pi / segments + 0.03, 0.02)
    cells = smooth_noise(rng, u.shape, (2.4, 2.4)) * 0.05 + 0.06 * np.cos(angle * segments * 5)
    pulp = np.clip(np.array((0.98, 0.60, 0.13)) + cells[..., None] * np.array((0.4, 1.0, 0.7)), 0, 1)
    pith = np.array((0.99, 0.90, 0.68))
    mixed = np.clip(np.maximum(membrane, _step(reach - 0.83, 0.03)) + _step(0.1 - reach, 0.04), 0, 1)[..., None]
    rind = _step(reach - 0.91, 0.03)[..., None]
    albedo = (pulp * (1 - mixed) + pith * mixed) * (1 - rind) + brush.vary((0.95, 0.50, 0.06), 0.02) * rind
    return _lit(brush, albedo, 0.08 * cells, brush.edge(reach - 0.98), gloss=0.1)


def draw_pear(brush: Brush) -> Sprite:
    """Draw a pear, which belongs to none of the classes."""
    rng = brush.rng
    u, v = brush.grid()
    waist = 0.36 + 0.28 / (1 + np.exp(-6 * (v - 0.02)))
    reach = np.sqrt((u / waist) ** 2 * 0.95 + ((v - 0.02) / 0.98) ** 4)
    height = 0.75 * np.sqrt(np.clip(1 - reach**2, 0, 1))
    freckles = (smooth_noise(rng, u.shape, (2, 2)) > 2.3)[..., None] * 0.1
    albedo = np.clip(brush.vary((0.62, 0.68, 0.24), 0.04) - freckles, 0, 1)
    sprite = _lit(brush, np.broadcast_to(albedo, (*u.shape, 3)), height, brush.edge((reach - 1) * 0.6), gloss=0.3)
    return _over(sprite, STEM, brush.edge(np.maximum(np.abs(u - 0.1 * (v + 1)) - 0.035, np.abs(v + 1.06) - 0.14)))


def draw_plum(brush: Brush) -> Sprite:
    """Draw a plum with its bloom and seam, which belongs to none of the classes."""
    u, v = brush.grid()
    reach = np.hypot(u / 0.78, v / 0.96)
    seam = 0.12 * np.exp(-(((u - 0.25 * (1 - v**2)) / 0.06) ** 2))
    height = np.sqrt(np.clip(1 - reach**2, 0, 1)) - seam
    bloom = 0.07 * np.clip(smooth_noise(brush.rng, u.shape, (brush.radius / 2, brush.radius / 2)), 0, 2)[..., None]
    albedo = np.clip(brush.vary((0.30, 0.14, 0.36), 0.04) + bloom * np.array((0.8, 0.9, 1.3)), 0, 1)
    return _lit(brush, albedo, height, brush.edge((reach - 1) * 0.8), gloss=0.35)


def draw_leaf(brush: Brush) -> Sprite:
    """Draw a leaf."""
    u, v = brush.grid()
    return _leaf(brush, u, v)


def draw_cup(brush: Brush) -> Sprite:
    """Draw a cup of coffee from above."""
    u, v = brush.grid()
    reach = np.hypot(u, v)
    glaze = brush.vary(
        ((0.85, 0.86, 0.88), (0.25, 0.38, 0.52), (0.72, 0.35, 0.28), (0.30, 0.45, 0.38))[brush.rng.integers(4)]
    )
    coffee = _step(0.64 - reach, 0.03)[..., None]
    albedo = glaze * (1 - coffee) + np.array((0.24, 0.14, 0.08)) * coffee
    height = 0.25 * np.exp(-(((reach - 0.74) / 0.08) ** 2))
    handle = np.maximum(np.abs(np.hypot(u - 0.9, v) - 0.24) - 0.07, 0.7 - u)
    outside = np.minimum(reach - 0.82, handle)
    return _lit(brush, albedo, height, brush.edge(outside), gloss=0.5)


def draw_book(brush: Brush) -> Sprite:
    """Draw a book with a band across its cover."""
    u, v = brush.grid()
    tall = brush.rng.uniform(0.6, 0.8)
    cover, band = (brush.vary(_COVERS[brush.rng.integers(len(_COVERS))], 0.05) for _ in range(2))
    stripe = _step(0.12 - np.abs(v + 0.2), 0.02)[..., None]
    albedo = cover * (1 - stripe) + band * stripe
    albedo = np.where((np.abs(u + 0.78) < 0.02)[..., None], albedo * 0.7, albedo)
    return _lit(brush, albedo, np.zeros_like(u), brush.edge(np.maximum(np.abs(u) - 0.9, np.abs(v) - tall)), gloss=0.05)


FRUIT: dict[str, Callable[[Brush], Sprite]] = {"apple": draw_apple, "banana": draw_banana, "orange": draw_orange}
OTHER: tuple[Callable[[Brush], Sprite], ...] = (draw_pear, draw_plum, draw_leaf, draw_cup, draw_book)

_APPLES: tuple[tuple[Colour, Colour], ...] = (
    ((0.78, 0.10, 0.12), (0.88, 0.62, 0.25)),
    ((0.62, 0.06, 0.10), (0.80, 0.22, 0.16)),
    ((0.85, 0.20, 0.16), (0.90, 0.78, 0.38)),
    ((0.55, 0.72, 0.20), (0.72, 0.80, 0.36)),
    ((0.74, 0.78, 0.30), (0.86, 0.36, 0.24)),
)
_COVERS: tuple[Colour, ...] = (
    (0.20, 0.28, 0.45), (0.60, 0.58, 0.52), (0.22, 0.40, 0.36), (0.45, 0.25, 0.35), (0.85, 0.82, 0.74),
)  # fmt: skip


def _lit(brush: Brush, albedo: Floats, height: Floats, alpha: Floats, gloss: float) -> Sprite:
    """Shade a surface with ambient, diffuse and specular light, from its height in radii."""
    slope_y, slope_x = np.gradient(height * brush.radius)
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    light = np.array((*brush.light_xy, LIGHT_HEIGHT)) / np.hypot(1, LIGHT_HEIGHT)
    towards = (-slope_x * light[0] - slope_y * light[1] + light[2]) / length
    half = light + np.array((0, 0, 1))
    half /= np.linalg.norm(half)
    mirrored = np.clip((-slope_x * half[0] - slope_y * half[1] + half[2]) / length, 0, 1)
    shade = 0.38 + 0.72 * np.clip(towards, 0, 1)
    return Sprite(np.clip(albedo * shade[..., None] + gloss * mirrored[..., None] ** 36, 0, 1), alpha)


def _over(sprite: Sprite, colour: Colour, coverage: Floats) -> Sprite:
    rgb = sprite.rgb * (1 - coverage[..., None]) + np.array(colour) * coverage[..., None]
    return Sprite(rgb, np.maximum(sprite.alpha, coverage))


def _leaf(brush: Brush, u: Floats, v: Floats) -> Sprite:
    veins = 0.04 * np.abs(np.sin(9 * u + 7 * np.abs(v)))
    outside = np.abs(v) - 0.42 * np.clip(1 - u**2, 0, 1) ** 0.8
    albedo = brush.vary(LEAF, 0.04) - veins[..., None] - 0.08 * (np.abs(v) < 0.025)[..., None]
    coverage = brush.edge(np.maximum(outside, np.abs(u) - 1))
    return _lit(brush, np.clip(albedo, 0, 1), 0.25 * np.abs(v) + veins, coverage, gloss=0.12)


def _with_leaf(brush: Brush, sprite: Sprite, u: Floats, v: Floats) -> Sprite:
    """Add a small leaf at the stem."""
    turn = brush.rng.uniform(-0.6, 0.3)
    x, y = (u - 0.05) / 0.34, (v + 0.88) / 0.34
    leaf = _leaf(brush, x * np.cos(turn) + y * np.sin(turn) - 0.95, y * np.cos(turn) - x * np.sin(turn))
    cover = leaf.alpha[..., None]
    return Sprite(sprite.rgb * (1 - cover) + leaf.rgb * cover, np.maximum(sprite.alpha, leaf.alpha))


def _bump(angle: Floats, centre: float, width: float) -> Floats:
    apart: Floats = (angle - centre + np.pi) % (2 * np.pi) - np.pi
    return np.asarray(np.exp(-((apart / width) ** 2)))


def _step(values: Floats, width: float) -> Floats:
    """Return 0 below zero, 1 above, with a linear ramp over ``width``."""
    return np.clip(values / width + 0.5, 0, 1)
