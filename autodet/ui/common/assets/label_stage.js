// The stage of the label editor: three canvases on top of each other, so that a drag draws one box only: the photo,
// the boxes that stay, and the selected box with its handles.

const HANDLE = 8; // pixels of a handle's side
const REACHES = { mouse: 8, pen: 14, touch: 24 }; // pixels around a handle
// Handles as factors of the box: 0 for the left or top edge, 1 for the right or bottom one.
const HANDLES = [[0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1], [0.5, 1], [0, 1], [0, 0.5]];
const CURSORS = ["nwse-resize", "ns-resize", "nesw-resize", "ew-resize"];

class LabelStage extends Stage {
  constructor(element) {
    super(element);
    this.layers = [...element.querySelectorAll("canvas")];
    this.stale = [true, true, true];
    this.widths = new Map(); // of labels, in pixels
    this.sharp = null; // bitmap of the whole photo, when it is zoomed
    this.hovered = null;
    this.cross = null; // point of the crosshair
    this.drawn = null; // box that is being drawn
    this.redraw();
  }

  // Measured once, because the browser lays the whole page out if it is asked for a size after a change.
  resized() {
    this.sides = [this.element.clientWidth, this.element.clientHeight];
    super.resized();
  }

  get width() {
    return this.sides?.[0] ?? 0;
  }

  get height() {
    return this.sides?.[1] ?? 0;
  }

  // ---- What has to be drawn

  redraw() {
    this.stale = [true, true, true];
    super.redraw();
  }

  redrawBoxes() {
    this.stale = [this.stale?.[0], true, true];
    super.redraw();
  }

  redrawTop() {
    this.stale = [this.stale?.[0], this.stale?.[1], true];
    super.redraw();
  }

  draw() {
    if (!this.layers) return;
    const started = performance.now();
    const ratio = window.devicePixelRatio;
    this.showMessage();
    this.element.classList.toggle("zoomed", this.zoom > 1);
    if (!this.size || !this.width) {
      this.layers.forEach((canvas) => this.cleared(ratio, canvas));
      return;
    }
    this.keepInside();
    this.snap = (value) => Math.round(value * ratio) / ratio;
    const painters = [this.drawPhoto, this.drawOthers, this.drawTop];
    painters.forEach((paint, layer) => {
      if (!this.stale[layer]) return;
      const brush = this.cleared(ratio, this.layers[layer]);
      brush.setTransform(ratio, 0, 0, ratio, 0, 0);
      paint.call(this, brush);
    });
    this.stale = [false, false, false];
    this.milliseconds = performance.now() - started; // for benchmarks/label_editor.py
  }

  cleared(ratio, canvas) {
    this.canvas = canvas;
    return super.cleared(ratio);
  }

  showMessage() {
    const ready = this.picture?.naturalWidth > 0;
    const failed = this.picture?.complete && !ready;
    const waiting = failed ? "The photo could not be loaded. Reload the page." : "Loading the photo …";
    const text = this.error || (ready ? "" : waiting);
    const message = this.find(".message");
    if (message.textContent !== text) message.textContent = text;
  }

  drawPhoto(brush) {
    const sharp = this.sharp && this.scale * window.devicePixelRatio > this.pixelsPerPixel;
    const picture = sharp ? this.sharp : this.picture;
    const width = sharp ? picture.width : picture?.naturalWidth;
    if (!(width > 0)) return;
    // Only the visible part, because the rest of a large photo takes time as well.
    const [left, top] = this.onPhoto([0, 0]);
    const [right, bottom] = this.onPhoto([this.width, this.height]);
    const part = within([left, top, right, bottom], this.size);
    const factor = width / this.size[0];
    const [x, y, across, down] = this.onStage({ x1: part[0], y1: part[1], x2: part[2], y2: part[3] });
    const source = [part[0], part[1], part[2] - part[0], part[3] - part[1]].map((value) => value * factor);
    brush.imageSmoothingEnabled = this.scale < 4;
    brush.drawImage(picture, ...source, x, y, across, down);
  }

  // Pixels of the downscaled picture for each of the photo.
  get pixelsPerPixel() {
    return this.picture?.naturalWidth > 0 ? this.picture.naturalWidth / this.size[0] : 1;
  }

  // Whether the visitor has zoomed beyond the downscaled picture.
  get needsSharp() {
    const { pixelsPerPixel } = this;
    return Boolean(this.size) && pixelsPerPixel < 0.99 && this.scale * window.devicePixelRatio > pixelsPerPixel * 1.2;
  }

  // Boxes and labels that are visible, except the selected one.
  drawOthers(brush) {
    const visible = this.boxes.filter((box) => box !== this.active && this.isVisible(box));
    for (const box of visible.toReversed()) this.drawBox(brush, box);
    if (!this.labels) return;
    const placed = [];
    visible.forEach((box) => this.drawLabel(brush, box, placed));
  }

  isVisible(box) {
    const [left, top, across, down] = this.onStage(box);
    return left < this.width && top < this.height && left + across > 0 && top + down > 0;
  }

  drawTop(brush) {
    if (this.cross && !this.drawn) this.drawCross(brush);
    if (this.hovered && this.hovered !== this.active) this.drawFill(brush, this.hovered);
    if (this.drawn) this.drawBox(brush, this.drawn);
    if (!this.active) return;
    this.drawFill(brush, this.active);
    this.drawBox(brush, this.active);
    if (this.labels) this.drawLabel(brush, this.active, []);
    if (this.editable) this.drawHandles(brush);
  }

  drawCross(brush) {
    brush.setLineDash([]);
    for (const [colour, width] of [["rgba(0, 0, 0, 0.5)", 3], ["rgba(255, 255, 255, 0.9)", 1]]) {
      brush.strokeStyle = colour;
      brush.lineWidth = width;
      brush.beginPath();
      brush.moveTo(this.cross[0], 0);
      brush.lineTo(this.cross[0], this.height);
      brush.moveTo(0, this.cross[1]);
      brush.lineTo(this.width, this.cross[1]);
      brush.stroke();
    }
  }

  drawFill(brush, box) {
    brush.fillStyle = `${box.colour}33`;
    brush.fillRect(...this.onStage(box));
  }

  drawHandles(brush) {
    brush.setLineDash([]);
    brush.lineWidth = 2;
    brush.strokeStyle = this.active.colour;
    brush.fillStyle = "#ffffff";
    for (const [x, y] of this.handlePlaces(this.active)) {
      brush.fillRect(x - HANDLE / 2, y - HANDLE / 2, HANDLE, HANDLE);
      brush.strokeRect(x - HANDLE / 2, y - HANDLE / 2, HANDLE, HANDLE);
    }
  }

  widthOf(brush, text) {
    if (!this.widths.has(text)) this.widths.set(text, super.widthOf(brush, text));
    return this.widths.get(text);
  }

  // ---- The view

  // Zoom around the selected box, else around the middle of the view.
  zoomAround(factor) {
    const [left, top, across, down] = this.active ? this.onStage(this.active) : [0, 0, this.width, this.height];
    this.zoomBy(factor, [left + across / 2, top + down / 2]);
  }

  // Move the view to the selected box if none of it is visible.
  follow() {
    if (this.zoom > 1 && this.active && !this.isVisible(this.active)) this.point(this.active);
  }

  // ---- Where a pointer is

  handlePlaces(box) {
    const [left, top, across, down] = this.onStage(box);
    return HANDLES.map(([x, y]) => [left + across * x, top + down * y]);
  }

  // Index of the handle of the selected box at a point; null if none. Handles of a small box leave its middle free.
  handleAt(point, kind) {
    if (!this.active) return null;
    const [left, top, across, down] = this.onStage(this.active);
    const reach = REACHES[kind] ?? REACHES.mouse;
    const inner = [Math.min(reach, across / 4), Math.min(reach, down / 4)];
    const near = (value, low, high, margin) => {
      if (value < low - reach || value > high + reach) return null;
      if (value <= low + margin) return 0;
      return value >= high - margin ? 1 : 0.5;
    };
    const x = near(point[0], left, left + across, inner[0]);
    const y = near(point[1], top, top + down, inner[1]);
    if (x === null || y === null) return null;
    const index = HANDLES.findIndex((handle) => handle[0] === x && handle[1] === y);
    return index < 0 ? null : index;
  }

  isInside(box, point) {
    const [x, y] = this.onPhoto(point);
    return x >= box.x1 && x <= box.x2 && y >= box.y1 && y <= box.y2;
  }

  cursorAt(point, kind) {
    const handle = this.handleAt(point, kind);
    if (handle !== null) return CURSORS[handle % 4];
    return this.active && this.isInside(this.active, point) ? "move" : "crosshair";
  }

  showTip() {
    const tip = this.find(".tip");
    const text = this.active?.description ?? "";
    if (tip.textContent !== text) tip.textContent = text; // a screen reader announces the selected box
  }
}
