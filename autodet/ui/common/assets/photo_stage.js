// A photo with boxes on a canvas, which zooms and pans. photo_viewer.js follows in the same script.

const MAX_ZOOM = 20; // times the size at which the whole photo fits
const FOCUS_SHARE = 0.35; // of the stage that a box takes to which it zooms
const MAX_FOCUS_ZOOM = 6;
const REACH = 4; // pixels beyond a box in which it is pointed at
const FONT = "600 12px 'Source Sans', sans-serif";
const LABEL_HEIGHT = 17;
const HALO = "rgba(255, 255, 255, 0.85)"; // makes lines visible on any photo

function clamp(value, low, high) {
  return Math.min(Math.max(value, low), Math.max(low, high));
}

function readableOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 150 ? "#000000" : "#ffffff";
}

// Points are in pixels of the stage; boxes, ``centre`` and ``size`` in pixels of the photo. Stages of one photo side by
// side share a view: they zoom and pan together.
class Stage {
  constructor(element, view = { stages: [] }) {
    this.element = element;
    this.view = view;
    view.stages.push(this);
    this.find = (name) => element.querySelector(name);
    this.canvas = this.find("canvas");
    this.size = null; // of the photo; null if there is none to show
    this.picture = null;
    this.error = "";
    this.boxes = []; // the first one is on top
    this.active = null; // the box that is pointed at
    this.labels = true;
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(element);
    this.fit();
  }

  close() {
    this.sizes.disconnect();
    this.view.stages.splice(this.view.stages.indexOf(this), 1);
  }

  resized() {
    this.redraw();
  }

  // ---- The view

  get width() {
    return this.element.clientWidth;
  }

  get height() {
    return this.element.clientHeight;
  }

  get zoom() {
    return this.view.zoom;
  }

  set zoom(zoom) {
    this.view.zoom = zoom;
  }

  get centre() {
    return this.view.centre;
  }

  set centre(centre) {
    this.view.centre = centre;
  }

  // Pixels of the stage for each of the photo.
  get scale() {
    return Math.min(this.width / this.size[0], this.height / this.size[1]) * this.zoom;
  }

  get origin() {
    const { scale } = this;
    return [this.width / 2 - this.centre[0] * scale, this.height / 2 - this.centre[1] * scale];
  }

  onPhoto([x, y]) {
    const [left, top] = this.origin;
    return [(x - left) / this.scale, (y - top) / this.scale];
  }

  fit() {
    this.zoom = 1;
    this.centre = (this.size ?? [0, 0]).map((side) => side / 2);
    this.redraw();
  }

  focus(box) {
    const sides = [box.x2 - box.x1, box.y2 - box.y1].map((side) => Math.max(1, side) * this.scale);
    const fitting = Math.min(this.width / sides[0], this.height / sides[1]);
    this.zoom = clamp(this.zoom * FOCUS_SHARE * fitting, 1, MAX_FOCUS_ZOOM);
    this.point(box);
  }

  // Zoom while the photo's point at ``point`` stays there.
  zoomBy(factor, point = [this.width / 2, this.height / 2]) {
    if (!this.size) return;
    const [across, down] = this.onPhoto(point);
    this.zoom = clamp(this.zoom * factor, 1, MAX_ZOOM);
    const { scale } = this;
    this.centre = [across - (point[0] - this.width / 2) / scale, down - (point[1] - this.height / 2) / scale];
    this.redraw();
  }

  pan(x, y) {
    if (!this.size) return;
    this.centre = [this.centre[0] - x / this.scale, this.centre[1] - y / this.scale];
    this.redraw();
  }

  // Let no border move into the stage, unless the whole side is visible.
  keepInside() {
    const room = [this.width, this.height].map((side) => side / this.scale / 2);
    this.centre = this.size.map((side, axis) =>
      side < 2 * room[axis] ? side / 2 : clamp(this.centre[axis], room[axis], side - room[axis]),
    );
  }

  // ---- Boxes

  point(box, { into = true } = {}) {
    if (box && into && this.zoom > 1) this.centre = [(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2];
    this.active = box;
    this.redraw();
  }

  // Point at the next or the previous box.
  walk(by) {
    const count = this.boxes.length;
    if (!count) return;
    const from = this.boxes.indexOf(this.active);
    const first = by > 0 ? 0 : count - 1;
    this.point(this.boxes[from < 0 ? first : (from + by + count) % count]);
  }

  // The smallest box at a point, because large boxes may contain it.
  boxAt(point) {
    if (!this.size) return null;
    const [across, down] = this.onPhoto(point);
    const reach = REACH / this.scale;
    const area = (box) => (box.x2 - box.x1) * (box.y2 - box.y1);
    return this.boxes
      .filter((box) => across >= box.x1 - reach && across <= box.x2 + reach)
      .filter((box) => down >= box.y1 - reach && down <= box.y2 + reach)
      .reduce((best, box) => (best && area(best) <= area(box) ? best : box), null);
  }

  // ---- Drawing

  redraw() {
    this.view.frame ??= requestAnimationFrame(() => {
      this.view.frame = null;
      this.view.stages.forEach((stage) => stage.draw());
    });
  }

  draw() {
    const ratio = window.devicePixelRatio;
    const brush = this.cleared(ratio);
    const ready = this.picture?.naturalWidth > 0;
    const failed = this.picture?.complete && !ready;
    const waiting = failed ? "The photo could not be loaded. Reload the page." : "Loading the photo …";
    this.find(".message").textContent = this.error || (ready ? "" : waiting);
    this.element.classList.toggle("zoomed", this.zoom > 1);
    if (this.size && this.width) {
      this.keepInside();
      this.snap = (value) => Math.round(value * ratio) / ratio; // to pixels of the screen, so that lines are sharp
      brush.setTransform(ratio, 0, 0, ratio, 0, 0);
      if (ready) brush.drawImage(this.picture, ...this.origin, ...this.size.map((side) => side * this.scale));
      this.drawBoxes(brush);
    }
    this.showTip();
  }

  cleared(ratio) {
    const size = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) {
      [this.canvas.width, this.canvas.height] = size;
    }
    const brush = this.canvas.getContext("2d");
    brush.setTransform(1, 0, 0, 1, 0, 0);
    brush.clearRect(0, 0, ...size);
    return brush;
  }

  drawBoxes(brush) {
    const others = this.boxes.filter((box) => box !== this.active);
    const ranked = this.active ? [this.active, ...others] : others;
    [...ranked].reverse().forEach((box) => this.drawBox(brush, box));
    const placed = [];
    if (this.labels) ranked.forEach((box) => this.drawLabel(brush, box, placed));
  }

  onStage({ x1, y1, x2, y2 }) {
    const { scale, origin, snap } = this;
    const [left, top] = [snap(origin[0] + x1 * scale), snap(origin[1] + y1 * scale)];
    return [left, top, snap(origin[0] + x2 * scale) - left, snap(origin[1] + y2 * scale) - top];
  }

  drawBox(brush, box) {
    const place = this.onStage(box);
    brush.setLineDash([]);
    brush.strokeStyle = HALO;
    brush.lineWidth = box === this.active ? 6 : 4;
    brush.strokeRect(...place);
    if (box.layer.dashed) brush.setLineDash([7, 5]);
    brush.strokeStyle = box.colour;
    brush.lineWidth = box === this.active ? 4 : 2;
    brush.strokeRect(...place);
  }

  // Write a label where it covers no other one; on a full photo, some appear only when it is zoomed.
  drawLabel(brush, box, placed) {
    const [left, top, across, down] = this.onStage(box);
    if (left > this.width || top > this.height || left + across < 0 || top + down < 0) return;
    brush.font = FONT;
    const width = this.widthOf(brush, box.label) + 8;
    const x = clamp(left - 1, 0, this.width - width);
    const y = top >= LABEL_HEIGHT ? top - LABEL_HEIGHT : clamp(top, 0, this.height - LABEL_HEIGHT);
    const covers = (other) =>
      x < other.x + other.width && other.x < x + width && Math.abs(y - other.y) < LABEL_HEIGHT;
    if (placed.some(covers)) return;
    placed.push({ x, y, width });
    brush.fillStyle = box.colour;
    brush.fillRect(x, y, width, LABEL_HEIGHT);
    brush.fillStyle = readableOn(box.colour);
    brush.textBaseline = "middle";
    brush.fillText(box.label, x + 4, y + LABEL_HEIGHT / 2 + 1);
  }

  widthOf(brush, text) {
    return brush.measureText(text).width;
  }

  showTip() {
    const tip = this.find(".tip");
    const text = this.active?.description ?? "";
    if (tip.textContent !== text) tip.textContent = text; // a screen reader announces each change
    if (!this.active) return;
    const [left, top, , height] = this.onStage(this.active);
    tip.style.left = `${clamp(left, 4, this.width - tip.offsetWidth - 4)}px`;
    const below = top + height + 8;
    const fits = below + tip.offsetHeight < this.height;
    tip.style.top = `${fits ? below : clamp(top - LABEL_HEIGHT - tip.offsetHeight - 8, 4, this.height)}px`;
  }
}
