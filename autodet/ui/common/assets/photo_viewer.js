// The photo viewer: photos, layers and input. Zoom, pan, layers and the slider stay in the browser; the server learns
// only which photo is shown. A script that makes viewers follows: photo_viewer_page.js or predictions.js.

const ZOOM_STEP = 1.4;
const DOUBLE_CLICK_ZOOM = 3;
const WHEEL_SPEED = 0.002;
const PAN_STEP = 60; // pixels
const MOVED = 5; // pixels from which a press is no click
const SWIPE = 50; // pixels
const REPORT_MILLISECONDS = 100;
const MAX_PICTURES = 6; // that are kept
const MAX_LABEL = 30; // characters of a class name
const MIN_SIDES = 640; // pixels of a viewer that shows two sides beside each other

// Pages lie at different depths below the server's root; its scripts do not.
function serverAddress(path) {
  const script = document.querySelector("script[src*='static/js/']");
  return new URL(path.replace(/^\//, ""), script ? new URL("../../", script.src) : document.baseURI).href;
}

// Rows of the server as boxes; the last layer and in a layer the best box come first.
function boxesOf(photo, layers) {
  return layers.toReversed().flatMap((layer) => {
    const { rows, classes } = photo.boxes?.[layer.key] ?? { rows: [], classes: [] };
    return rows.map(([x1, y1, x2, y2, index, score]) => {
      const [name, colour] = classes[index];
      const size = `${Math.round(x2 - x1)} × ${Math.round(y2 - y1)} pixels`;
      const texts = textsOf(name, score, size, layer);
      return { x1, y1, x2, y2, index, score, colour: layer.colour || colour, layer, ...texts };
    });
  });
}

function textsOf(name, score, size, layer) {
  const short = name.length > MAX_LABEL ? `${name.slice(0, MAX_LABEL - 1)}…` : name;
  if (score === null) return { label: short, description: `${name}\n${layer.title} · ${size}` };
  const figure = score.toFixed(2);
  if (!layer.below) return { label: `${short} ${figure}`, description: `${name} ${figure}\n${layer.title} · ${size}` };
  return { label: short, description: `${name}\n${layer.title} · ${size} · found at a score of ${figure}` };
}

function pointIn(element, event) {
  const { left, top } = element.getBoundingClientRect();
  return [event.clientX - left, event.clientY - top];
}

function pointAt(stage, box) {
  if (box !== stage.active) stage.point(box, { into: false });
}

// Layers may have a ``side``, 0 or 1: side by side in a wide viewer, else on top of each other.
class Viewer {
  constructor(root, data, keeps = (box) => this.scores(box)) {
    this.root = root;
    this.keeps = keeps; // whether a box is shown if its layer is
    this.find = (name) => root.querySelector(name);
    this.stages = [new Stage(this.find(".stage"))];
    this.slider = this.find(".slider input");
    this.slider.value = data.min_score ?? 0;
    this.hidden = new Set(data.layers.filter((layer) => !layer.shown).map((layer) => layer.key));
    this.pictures = new Map();
    this.pointers = new Map();
    this.listen();
    this.widths = new ResizeObserver(() => this.data && this.keepSides() && this.show());
    this.widths.observe(root);
    if (root.getRootNode().host?.closest("[role=dialog]")) requestAnimationFrame(() => this.find(".stage").focus());
  }

  close() {
    this.stages.forEach((stage) => stage.close());
    this.widths.disconnect();
    clearTimeout(this.timer);
  }

  // ---- What is shown

  update(data) {
    if (this.data?.identity !== data.identity) {
      this.place = data.place;
      clearTimeout(this.timer);
    }
    this.data = data;
    this.place = clamp(this.place, 0, data.count - 1);
    this.keepSides();
    this.show();
  }

  get stage() {
    return this.stages[0];
  }

  // Layers as they are drawn; where both sides share a stage, the lines of the second one are dashed.
  get layers() {
    const { layers } = this.data;
    return this.stages.length > 1 ? layers : layers.map((layer) => (layer.side ? { ...layer, dashed: true } : layer));
  }

  // Show a stage for each side if there is room; return whether that has changed.
  keepSides() {
    const wide = this.root.clientWidth >= MIN_SIDES;
    const sides = wide && this.data.layers.some((layer) => layer.side) ? 2 : 1;
    if (sides === this.stages.length) return false;
    if (sides > 1) {
      const element = this.stage.element.cloneNode(true);
      this.stage.element.after(element);
      this.stages.push(new Stage(element, this.stage.view));
      this.listenTo(this.stages[1]);
    } else {
      const last = this.stages.pop();
      last.close();
      last.element.remove();
    }
    return true;
  }

  get photo() {
    return this.data.photos[this.place] ?? {};
  }

  step(by) {
    const place = clamp(this.place + by, 0, this.data.count - 1);
    if (place === this.place) return;
    this.place = place;
    this.moved?.(place);
    this.show();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(this.place), REPORT_MILLISECONDS);
  }

  show() {
    const { photo, data, place } = this;
    this.boxes = boxesOf(photo, this.layers);
    this.listLayers();
    this.keepPictures();
    this.showTexts();
    this.keepShape();
    for (const stage of this.stages) {
      stage.size = photo.size ?? null;
      stage.error = photo.error ?? "";
      stage.picture = photo.address ? this.picture(photo.address) : null;
      const { x1, y1, label } = stage.active ?? {};
      stage.active = this.boxes.find((box) => box.x1 === x1 && box.y1 === y1 && box.label === label) ?? null;
    }
    this.refresh();
    const begun = [data.identity, place, photo.key ?? photo.address].join(" ");
    if (this.begun !== begun) this.begin();
    this.begun = begun;
  }

  // Fit the photo, or zoom to the box that the server points at.
  begin() {
    this.stages.forEach((stage) => (stage.active = null));
    this.stage.fit();
    const [key, index] = this.photo.focus ?? [];
    const box = this.boxes.filter((other) => other.layer.key === key)[index];
    if (this.stage.boxes.includes(box)) this.stage.focus(box);
  }

  showTexts() {
    const { photo, data, place } = this;
    this.noted ||= Boolean(photo.note);
    this.find(".steps").hidden = data.count < 2;
    this.find(".place").textContent = `${(place + 1).toLocaleString("en")} of ${data.count.toLocaleString("en")}`;
    this.find(".name").textContent = this.find(".name").title = photo.name ?? "";
    this.find(".note").textContent = photo.note ?? "";
    this.find(".note").hidden = !this.noted; // its line stays when another photo has none
    this.find(".previous").ariaDisabled = String(place === 0);
    this.find(".next").ariaDisabled = String(place === data.count - 1);
    this.find(".slider").hidden = data.min_score === null;
  }

  // A single photo shapes the stage; of several only the first one does, so that nothing below ever moves.
  keepShape() {
    const [width, height] = this.photo.size ?? [];
    const several = this.data.count > 1;
    if (!width || (this.shaped && several)) return;
    this.shaped = true;
    this.find(".stages").style.setProperty("--aspect", clamp(width / height, several ? 1 : 0.75, 2.2));
  }

  // After a change of boxes, layers or the slider.
  refresh() {
    const { data } = this;
    const kept = this.boxes.filter(this.keeps);
    for (const { key } of data.layers) {
      const output = this.find(`[data-layer="${CSS.escape(key)}"] output`);
      output.textContent = kept.filter((box) => box.layer.key === key).length;
    }
    const shown = kept.filter((box) => !this.hidden.has(box.layer.key));
    this.stages.forEach((stage, side) => this.fill(stage, shown, side));
    this.find(".slider output").textContent = Number(this.slider.value).toFixed(2);
    this.stage.redraw();
  }

  fill(stage, shown, side) {
    stage.boxes = this.stages.length > 1 ? shown.filter((box) => (box.layer.side ?? 0) === side) : shown;
    if (!stage.boxes.includes(stage.active)) stage.active = null;
    stage.element.ariaLabel =
      `${this.photo.name ?? "Photo"}, ${stage.boxes.length} boxes. ` +
      `Arrow keys: ${this.data.count > 1 ? "left and right for other photos, " : ""}up and down for boxes; ` +
      "plus, minus and 0: zoom.";
  }

  scores(box) {
    if (this.data.min_score === null || box.score === null) return true;
    return box.layer.below ? box.score < this.slider.value : box.score >= this.slider.value;
  }

  listLayers() {
    const listed = JSON.stringify(this.layers);
    if (listed === this.listed) return;
    this.listed = listed;
    this.find(".layers").replaceChildren(...this.layers.map((layer) => this.layerLabel(layer)));
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
    const near = [this.place, this.place + 1, this.place - 1];
    const used = near.flatMap((place) => this.data.photos[place]?.address ?? []);
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
    picture.onload = picture.onerror = () => this.stage.redraw();
    picture.src = serverAddress(address);
    this.pictures.set(address, picture);
    return picture;
  }

  // ---- Input

  listen() {
    const { stage } = this;
    this.find(".previous").onclick = () => this.step(-1);
    this.find(".next").onclick = () => this.step(1);
    this.find(".in").onclick = () => stage.zoomBy(ZOOM_STEP);
    this.find(".out").onclick = () => stage.zoomBy(1 / ZOOM_STEP);
    this.find(".fit").onclick = () => stage.fit();
    this.find(".labels input").onchange = (event) => {
      this.stages.forEach((every) => (every.labels = event.target.checked));
      stage.redraw();
    };
    this.slider.oninput = () => this.refresh();
    this.root.onkeydown = (event) => this.press(event);
    this.listenTo(stage);
  }

  listenTo(stage) {
    const { element } = stage;
    stage.labels = this.find(".labels input").checked;
    element.onpointerdown = (event) => this.touch(event, stage);
    element.onpointermove = (event) => this.move(event, stage);
    element.onpointerup = (event) => this.release(event, stage);
    element.onpointercancel = (event) => this.pointers.delete(event.pointerId);
    element.onpointerleave = (event) => event.pointerType === "mouse" && pointAt(stage, null);
    element.ondblclick = (event) =>
      stage.zoom > 1 ? stage.fit() : stage.zoomBy(DOUBLE_CLICK_ZOOM, pointIn(element, event));
    element.addEventListener("wheel", (event) => this.turn(event, stage), { passive: false });
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === this.slider) return;
    const stage = this.stages.find(({ element }) => element === event.target) ?? this.stage;
    const moved = (x, y, action) => (event.shiftKey ? () => stage.pan(PAN_STEP * x, PAN_STEP * y) : action);
    const action = {
      ArrowLeft: moved(1, 0, () => this.step(-1)),
      ArrowRight: moved(-1, 0, () => this.step(1)),
      ArrowUp: moved(0, 1, () => stage.walk(-1)),
      ArrowDown: moved(0, -1, () => stage.walk(1)),
      "+": () => stage.zoomBy(ZOOM_STEP),
      "=": () => stage.zoomBy(ZOOM_STEP),
      "-": () => stage.zoomBy(1 / ZOOM_STEP),
      0: () => stage.fit(),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  touch(event, { element }) {
    if (event.button) return;
    element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, pointIn(element, event));
    this.pressed = this.pointers.size === 1 ? pointIn(element, event) : null;
  }

  move(event, stage) {
    const now = pointIn(stage.element, event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") pointAt(stage, stage.boxAt(now));
      return;
    }
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, now);
    if (other) {
      const length = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
      stage.zoomBy(length(now) / Math.max(1, length(before)), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
    }
    const share = other ? 0.5 : 1; // the middle between two fingers moves half as far as one of them
    stage.pan((now[0] - before[0]) * share, (now[1] - before[1]) * share);
  }

  release(event, stage) {
    const start = this.pressed;
    this.pointers.delete(event.pointerId);
    if (!start || this.pointers.size) return;
    this.pressed = null;
    const end = pointIn(stage.element, event);
    const [x, y] = end.map((value, axis) => value - start[axis]);
    const swiped = event.pointerType === "touch" && stage.zoom === 1;
    if (Math.hypot(x, y) < MOVED) pointAt(stage, stage.boxAt(end));
    else if (swiped && Math.abs(x) > Math.max(SWIPE, 2 * Math.abs(y))) this.step(x < 0 ? 1 : -1);
  }

  // The wheel scrolls the page, unless the visitor works with the viewer.
  turn(event, stage) {
    const focused = this.root.contains(this.root.getRootNode().activeElement);
    const pixels = event.deltaY * (event.deltaMode ? 16 : 1);
    const scrolls = stage.zoom === 1 && pixels > 0;
    if (!event.ctrlKey && (!focused || scrolls)) return;
    event.preventDefault();
    stage.zoomBy(Math.exp(-pixels * WHEEL_SPEED * (event.ctrlKey ? 4 : 1)), pointIn(stage.element, event));
  }
}
