// Shows a photo with layers of boxes on a canvas. Zoom, pan, layers and the slider stay in the browser; the server
// learns only which photo is shown. Streamlit calls the default export again whenever its data changes.

const MAX_ZOOM = 20; // times the size at which the whole photo fits
const ZOOM_STEP = 1.4;
const WHEEL_SPEED = 0.002;
const PAN_STEP = 60; // pixels
const MOVED = 5; // pixels from which a press is no click
const SWIPE = 50; // pixels
const REPORT_MILLISECONDS = 100;
const MAX_PICTURES = 12; // that are kept
const MAX_LABEL = 30; // characters of a class name
const FONT = "600 12px 'Source Sans', sans-serif";
const LABEL_HEIGHT = 17;

const viewers = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".viewer");
  if (!viewers.has(root)) viewers.set(root, new Viewer(root, data));
  const viewer = viewers.get(root);
  viewer.send = (place) => setStateValue("shown", { identity: viewer.data.identity, place });
  viewer.update(data);
  return () => viewer.close();
}

// Pages lie at different depths below the server's root; its scripts do not.
function serverAddress(path) {
  const script = document.querySelector("script[src*='static/js/']");
  return new URL(path.replace(/^\//, ""), script ? new URL("../../", script.src) : document.baseURI).href;
}

function clamp(value, low, high) {
  return Math.min(Math.max(value, low), Math.max(low, high));
}

function shortened(text, longest) {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

function readableOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 150 ? "#000000" : "#ffffff";
}

function labelOf(name, score) {
  return score === null ? shortened(name, MAX_LABEL) : `${shortened(name, MAX_LABEL)} ${score.toFixed(2)}`;
}

// Rows of the server as boxes.
function boxesOf(photo, layers) {
  return layers.flatMap((layer) => {
    const { rows, classes } = photo.boxes?.[layer.key] ?? { rows: [], classes: [] };
    return rows.map(([x1, y1, x2, y2, index, score]) => {
      const [name, colour] = classes[index];
      return { x1, y1, x2, y2, score, name, colour, layer, text: labelOf(name, layer.below ? null : score) };
    });
  });
}

class Viewer {
  constructor(root, data) {
    this.root = root;
    this.find = (name) => root.querySelector(name);
    this.stage = this.find(".stage");
    this.canvas = this.find("canvas");
    this.slider = this.find(".slider input");
    this.hidden = new Set(data.layers.filter((layer) => !layer.shown).map((layer) => layer.key));
    this.pictures = new Map();
    this.pointers = new Map();
    this.active = null; // the box that is pointed at
    this.slider.value = data.min_score ?? 0;
    this.zoom = 1;
    this.sizes = new ResizeObserver(() => this.redraw());
    this.sizes.observe(this.stage);
    this.listen();
    if (root.getRootNode().host?.closest("[role=dialog]")) requestAnimationFrame(() => this.stage.focus());
  }

  close() {
    this.sizes.disconnect();
    clearTimeout(this.timer);
    viewers.delete(this.root);
  }

  // ---- What is shown

  update(data) {
    if (this.data?.identity !== data.identity) {
      this.place = data.place;
      clearTimeout(this.timer);
    }
    this.data = data;
    this.place = clamp(this.place, 0, data.count - 1);
    this.listLayers();
    this.keepPictures();
    this.show();
  }

  get photo() {
    return this.data.photos[this.place] ?? {};
  }

  step(by) {
    const place = clamp(this.place + by, 0, this.data.count - 1);
    if (place === this.place) return;
    this.place = place;
    this.active = null;
    this.show();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(this.place), REPORT_MILLISECONDS);
  }

  show() {
    const { photo, data, place } = this;
    if (this.address !== photo.address) {
      this.address = photo.address;
      this.fit();
    }
    this.boxes = boxesOf(photo, data.layers);
    this.active = this.boxes.find((box) => box.text === this.active?.text && box.x1 === this.active.x1) ?? null;
    this.find(".steps").hidden = data.count < 2;
    this.find(".place").textContent = `${(place + 1).toLocaleString("en")} of ${data.count.toLocaleString("en")}`;
    this.find(".name").textContent = this.find(".name").title = photo.name ?? "";
    this.noted ||= Boolean(photo.note);
    this.find(".note").hidden = !this.noted; // its line stays when another photo has none
    this.find(".note").textContent = photo.note ?? "";
    this.find(".previous").ariaDisabled = String(place === 0);
    this.find(".next").ariaDisabled = String(place === data.count - 1);
    this.find(".slider").hidden = data.min_score === null;
    this.keepShape();
    this.refresh();
  }

  // A single photo shapes the stage; of several only the first one does, so that nothing below ever moves.
  keepShape() {
    const [width, height] = this.photo.size ?? [];
    if (!width || (this.shaped && this.data.count > 1)) return;
    this.shaped = true;
    this.stage.style.setProperty("--aspect", clamp(width / height, this.data.count > 1 ? 1 : 0.75, 2.2));
  }

  // After a change of layers or of the slider.
  refresh() {
    for (const layer of this.data.layers) {
      const count = this.boxes.filter((box) => box.layer === layer && this.scores(box)).length;
      this.find(".layers").querySelector(`[data-layer="${CSS.escape(layer.key)}"] output`).textContent = count;
    }
    if (this.active && !this.visible.includes(this.active)) this.active = null;
    this.find(".slider output").textContent = Number(this.slider.value).toFixed(2);
    const help = this.data.count > 1 ? "left and right for other photos, " : "";
    this.stage.ariaLabel =
      `${this.photo.name ?? "Photo"}, ${this.visible.length} boxes. ` +
      `Arrow keys: ${help}up and down for boxes; plus, minus and 0: zoom.`;
    this.redraw();
  }

  get visible() {
    return this.boxes.filter((box) => !this.hidden.has(box.layer.key) && this.scores(box));
  }

  scores(box) {
    if (this.data.min_score === null || box.score === null) return true;
    return box.layer.below ? box.score < this.slider.value : box.score >= this.slider.value;
  }

  listLayers() {
    const listed = JSON.stringify(this.data.layers);
    if (listed === this.listed) return;
    this.listed = listed;
    this.find(".layers").replaceChildren(...this.data.layers.map((layer) => this.layerLabel(layer)));
  }

  layerLabel(layer) {
    const label = document.createElement("label");
    label.dataset.layer = layer.key;
    label.title = layer.term;
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = !this.hidden.has(layer.key);
    box.onchange = () => {
      this.hidden[box.checked ? "delete" : "add"](layer.key);
      this.refresh();
    };
    const swatch = document.createElement("span");
    swatch.className = layer.dashed ? "swatch dashed" : "swatch";
    swatch.style.borderColor = layer.colour;
    swatch.hidden = !layer.colour;
    label.append(box, swatch, `${layer.title} `, document.createElement("output"));
    return label;
  }

  // ---- Pictures

  keepPictures() {
    const used = Object.values(this.data.photos).flatMap((photo) => photo.address ?? []);
    for (const [address, picture] of this.pictures) {
      const failed = picture.complete && !picture.naturalWidth; // fetched again
      const spare = this.pictures.size > MAX_PICTURES && !used.includes(address);
      if (failed || spare) this.pictures.delete(address);
    }
    used.forEach((address) => this.picture(address));
  }

  picture(address) {
    const known = this.pictures.get(address);
    if (known) return known;
    const picture = new Image();
    picture.onload = () => this.redraw();
    picture.onerror = () => this.redraw();
    picture.src = serverAddress(address);
    this.pictures.set(address, picture);
    return picture;
  }

  // ---- The view: ``scale`` is in pixels on the page for each of the photo

  get scale() {
    return Math.min(this.width / this.photo.size[0], this.height / this.photo.size[1]) * this.zoom;
  }

  get width() {
    return this.stage.clientWidth;
  }

  get height() {
    return this.stage.clientHeight;
  }

  get origin() {
    const { scale } = this;
    return [this.width / 2 - this.centre[0] * scale, this.height / 2 - this.centre[1] * scale];
  }

  fit() {
    this.zoom = 1;
    this.centre = (this.photo.size ?? [0, 0]).map((side) => side / 2);
    this.redraw();
  }

  // Zoom while the photo's point at (x, y) of the stage stays there.
  zoomBy(factor, x = this.width / 2, y = this.height / 2) {
    if (!this.photo.size) return;
    const [left, top] = this.origin;
    const [across, down] = [(x - left) / this.scale, (y - top) / this.scale];
    this.zoom = clamp(this.zoom * factor, 1, MAX_ZOOM);
    this.centre = [across - (x - this.width / 2) / this.scale, down - (y - this.height / 2) / this.scale];
    this.redraw();
  }

  pan(x, y) {
    if (!this.photo.size) return;
    this.centre = [this.centre[0] - x / this.scale, this.centre[1] - y / this.scale];
    this.redraw();
  }

  // Let no border move into the stage, unless the whole side is visible.
  keepInside() {
    const room = [this.width, this.height].map((side) => side / this.scale / 2);
    this.centre = this.photo.size.map((side, axis) =>
      side < 2 * room[axis] ? side / 2 : clamp(this.centre[axis], room[axis], side - room[axis]),
    );
  }

  // ---- Drawing

  redraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const { photo, canvas, stage } = this;
    const ratio = window.devicePixelRatio;
    const size = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const brush = canvas.getContext("2d");
    brush.setTransform(1, 0, 0, 1, 0, 0);
    brush.clearRect(0, 0, ...size);
    const picture = photo.address && this.picture(photo.address);
    const ready = picture?.naturalWidth > 0;
    const waiting = picture?.complete ? "The photo could not be loaded. Reload the page." : "Loading the photo …";
    this.find(".message").textContent = photo.error ?? (ready ? "" : waiting);
    stage.classList.toggle("zoomed", this.zoom > 1);
    if (!photo.size || !this.width) return this.showTip();
    this.keepInside();
    this.snap = (value) => Math.round(value * ratio) / ratio; // to whole pixels of the screen, so that lines are sharp
    brush.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (ready) brush.drawImage(picture, ...this.origin, photo.size[0] * this.scale, photo.size[1] * this.scale);
    this.drawBoxes(brush);
    this.showTip();
  }

  // The active box is on top, then the last layer; in a layer, the best box.
  drawBoxes(brush) {
    const rank = (box) => (box === this.active ? Infinity : this.data.layers.indexOf(box.layer));
    const ranked = this.visible.sort((one, other) => rank(other) - rank(one) || 0);
    [...ranked].reverse().forEach((box) => this.drawBox(brush, box));
    if (!this.find(".labels input").checked) return;
    const placed = [];
    ranked.forEach((box) => this.drawLabel(brush, box, placed));
  }

  onStage({ x1, y1, x2, y2 }) {
    const { scale, origin, snap } = this;
    const [left, top] = [snap(origin[0] + x1 * scale), snap(origin[1] + y1 * scale)];
    return [left, top, snap(origin[0] + x2 * scale) - left, snap(origin[1] + y2 * scale) - top];
  }

  drawBox(brush, box) {
    const place = this.onStage(box);
    brush.setLineDash([]);
    brush.strokeStyle = "rgba(255, 255, 255, 0.85)"; // makes the line visible on any photo
    brush.lineWidth = box === this.active ? 6 : 4;
    brush.strokeRect(...place);
    if (box.layer.dashed) brush.setLineDash([7, 5]);
    brush.strokeStyle = box.colour;
    brush.lineWidth = box === this.active ? 4 : 2;
    brush.strokeRect(...place);
  }

  // Write a label where it covers no other one; on a full photo, some appear only when it is zoomed.
  drawLabel(brush, box, placed) {
    const [left, top] = this.onStage(box);
    brush.font = FONT;
    const width = brush.measureText(box.text).width + 8;
    const x = clamp(left - 1, 0, this.width - width);
    const y = top >= LABEL_HEIGHT ? top - LABEL_HEIGHT : clamp(top, 0, this.height - LABEL_HEIGHT);
    const covers = (other) =>
      x < other.x + other.width && other.x < x + width && Math.abs(y - other.y) < LABEL_HEIGHT;
    if (left > this.width || top > this.height || placed.some(covers)) return;
    placed.push({ x, y, width });
    brush.fillStyle = box.colour;
    brush.fillRect(x, y, width, LABEL_HEIGHT);
    brush.fillStyle = readableOn(box.colour);
    brush.textBaseline = "middle";
    brush.fillText(box.text, x + 4, y + LABEL_HEIGHT / 2 + 1);
  }

  showTip() {
    const { active } = this;
    const tip = this.find(".tip");
    const text = active ? this.description(active) : "";
    if (tip.textContent !== text) tip.textContent = text; // a screen reader announces each change
    if (!active) return;
    const [left, top, , height] = this.onStage(active);
    tip.style.left = `${clamp(left, 4, this.width - tip.offsetWidth - 4)}px`;
    const below = top + height + 8;
    const fits = below + tip.offsetHeight < this.height;
    tip.style.top = `${fits ? below : clamp(top - LABEL_HEIGHT - tip.offsetHeight - 8, 4, this.height)}px`;
  }

  description({ x1, y1, x2, y2, name, score, layer }) {
    const size = `${Math.round(x2 - x1)} × ${Math.round(y2 - y1)} pixels`;
    const scored = score === null ? "" : layer.below ? ` · found at a score of ${score.toFixed(2)}` : ` ${score.toFixed(2)}`;
    return layer.below ? `${name}\n${layer.title} · ${size}${scored}` : `${name}${scored}\n${layer.title} · ${size}`;
  }

  // ---- Input

  listen() {
    const { stage } = this;
    this.find(".previous").onclick = () => this.step(-1);
    this.find(".next").onclick = () => this.step(1);
    this.find(".in").onclick = () => this.zoomBy(ZOOM_STEP);
    this.find(".out").onclick = () => this.zoomBy(1 / ZOOM_STEP);
    this.find(".fit").onclick = () => this.fit();
    this.find(".labels input").onchange = () => this.redraw();
    this.slider.oninput = () => this.refresh();
    this.root.onkeydown = (event) => this.press(event);
    stage.onpointerdown = (event) => this.touch(event);
    stage.onpointermove = (event) => this.move(event);
    stage.onpointerup = (event) => this.release(event);
    stage.onpointercancel = (event) => this.pointers.delete(event.pointerId);
    stage.onpointerleave = (event) => event.pointerType === "mouse" && this.point(null);
    stage.ondblclick = (event) => (this.zoom > 1 ? this.fit() : this.zoomBy(3, ...this.at(event)));
    stage.addEventListener("wheel", (event) => this.turn(event), { passive: false });
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === this.slider) return;
    const [x, y] = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
    const actions = {
      "+": () => this.zoomBy(ZOOM_STEP),
      "=": () => this.zoomBy(ZOOM_STEP),
      "-": () => this.zoomBy(1 / ZOOM_STEP),
      0: () => this.fit(),
    };
    const shift = event.shiftKey && (() => this.pan(PAN_STEP * x, PAN_STEP * y));
    const action = actions[event.key] ?? ((x || y) && (shift || (() => (x ? this.step(-x) : this.walk(-y)))));
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  // Point at the next or the previous box.
  walk(by) {
    const { visible } = this;
    if (!visible.length) return;
    const from = visible.indexOf(this.active);
    const first = by > 0 ? 0 : visible.length - 1;
    const box = visible[from < 0 ? first : (from + by + visible.length) % visible.length];
    if (this.zoom > 1) this.centre = [(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2];
    this.point(box);
  }

  point(box) {
    if (box === this.active) return;
    this.active = box;
    this.redraw();
  }

  at(event) {
    const { left, top } = this.stage.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  // The smallest visible box at an event, because large boxes may contain it.
  boxAt(event) {
    if (!this.photo.size) return null;
    const [x, y] = this.at(event);
    const [left, top] = this.origin;
    const [across, down] = [(x - left) / this.scale, (y - top) / this.scale];
    const reach = 4 / this.scale;
    const area = (box) => (box.x2 - box.x1) * (box.y2 - box.y1);
    return this.visible
      .filter((box) => across >= box.x1 - reach && across <= box.x2 + reach)
      .filter((box) => down >= box.y1 - reach && down <= box.y2 + reach)
      .reduce((best, box) => (best && area(best) <= area(box) ? best : box), null);
  }

  touch(event) {
    if (event.button) return;
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.at(event));
    this.pressed = this.pointers.size === 1 ? this.at(event) : null;
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") this.point(this.boxAt(event));
      return;
    }
    const now = this.at(event);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, now);
    if (other) {
      const length = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
      this.zoomBy(length(now) / Math.max(1, length(before)), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    }
    const share = other ? 0.5 : 1; // the middle between two fingers moves half as far as one of them
    this.pan((now[0] - before[0]) * share, (now[1] - before[1]) * share);
  }

  release(event) {
    const start = this.pressed;
    this.pointers.delete(event.pointerId);
    if (!start || this.pointers.size) return;
    this.pressed = null;
    const [x, y] = this.at(event).map((value, axis) => value - start[axis]);
    if (Math.hypot(x, y) < MOVED) this.point(this.boxAt(event));
    else if (this.zoom === 1 && event.pointerType === "touch" && Math.abs(x) > Math.max(SWIPE, 2 * Math.abs(y))) {
      this.step(x < 0 ? 1 : -1);
    }
  }

  // The wheel scrolls the page, unless the visitor works with the viewer.
  turn(event) {
    const focused = this.root.contains(this.root.getRootNode().activeElement);
    const pixels = event.deltaY * (event.deltaMode ? 16 : 1);
    if (!(focused || event.ctrlKey) || (this.zoom === 1 && pixels > 0 && !event.ctrlKey)) return;
    event.preventDefault();
    this.zoomBy(Math.exp(-pixels * WHEEL_SPEED * (event.ctrlKey ? 4 : 1)), ...this.at(event));
  }
}
