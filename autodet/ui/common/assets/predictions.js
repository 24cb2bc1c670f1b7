// Predictions on one photo, or a grid of thumbnails that opens in the viewer. Thresholds and the choice of classes act
// here, on boxes that the server has sent once; it learns them when the visitor lets go. Streamlit calls the default
// export again whenever its data changes.

const SEEN_MARGIN = "200px"; // beyond the screen, in which thumbnails are drawn at once
const SETTLED_MILLISECONDS = 250; // without a change, after which the other thumbnails are drawn
const FIRST_CLASSES = [3, 12]; // at least and at most that are listed before the others are unfolded
const CHOSEN = "autodet_chosen"; // global variable: thresholds and hidden classes of the models last shown
const PICTURES = "autodet_pictures"; // event and global variable of prediction_pictures.js
const PARTS = "autodet_predictions"; // event and global variable of prediction_part.js

const galleries = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".predictions");
  if (!galleries.has(root)) galleries.set(root, new Gallery(root));
  const gallery = galleries.get(root);
  gallery.tell = setStateValue;
  gallery.update(data);
  return () => {
    gallery.close();
    galleries.delete(root);
  };
}

function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function counted(number, word) {
  return `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
}

function seeTile({ target, isIntersecting }) {
  target.tile.see(isIntersecting);
}

class Gallery {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(name);
    this.tiles = new Map();
    this.seen = new IntersectionObserver((entries) => entries.forEach(seeTile), { rootMargin: SEEN_MARGIN });
    this.dialog = this.find("dialog");
    this.viewerRoot = this.find(".viewer");
    this.listen();
  }

  close() {
    this.viewer?.close();
    this.seen.disconnect();
    clearTimeout(this.timer);
    this.find(".grid").replaceChildren();
    removeEventListener(PICTURES, this.takePictures);
    removeEventListener(PARTS, this.takeParts);
  }

  listen() {
    this.slider = this.find(".confidence input");
    this.slider.oninput = () => {
      this.thresholds.moved = this.slider.valueAsNumber;
      this.showThresholds();
      this.refresh();
    };
    this.slider.onchange = () => this.report();
    this.find(".own").onclick = () => {
      this.thresholds.reset();
      this.showThresholds();
      this.refresh();
      this.report();
      this.slider.focus();
    };
    this.correction = this.find(".correction");
    this.correction.firstElementChild.onclick = () => this.collect();
    this.dialog.onclose = () => this.leave();
    this.dialog.onclick = (event) => event.target === this.dialog && this.dialog.close();
    this.takePictures = () => this.view();
    addEventListener(PICTURES, this.takePictures);
    this.takeParts = () => this.waiting && this.update(this.waiting);
    addEventListener(PARTS, this.takeParts);
  }

  // ---- What the server sends

  // The photos arrive in parts, before or after the rest; what is shown stays until all are there.
  update({ parts, order, notes, ...rest }) {
    const given = parts.map((digest) => globalThis[PARTS]?.get(digest));
    this.waiting = given.includes(undefined) ? { parts, order, notes, ...rest } : null;
    if (this.waiting) return;
    const photos = given.flat();
    this.show({ ...rest, photos: order.map((index) => ({ ...photos[index], note: notes[index] })) });
  }

  show(data) {
    const begun = data.identity !== this.data?.identity;
    const before = this.data?.classes;
    this.collected ??= new Set(data.collected ?? []);
    this.data = data;
    for (const photo of data.photos) {
      for (const row of Object.values(photo.boxes).flat()) if (row[5] !== null) row[5] = Math.fround(row[5]);
      photo.best = data.models.map((_, side) => bestOf(photo, data.layers, side));
    }
    if (begun) this.begin();
    const found = this.classesFound();
    const same = !begun && JSON.stringify([found, data.classes]) === JSON.stringify([this.found, before]);
    this.found = found;
    if (!same) this.listClasses();
    this.root.classList.toggle("pair", data.models.length > 1);
    this.arrange();
    this.showThresholds();
    this.refresh();
    this.view();
  }

  // Begin with what this tab had for these models, which the server may have forgotten, or with what the server kept.
  begin() {
    const { identity, models, begun } = this.data;
    const kept = globalThis[CHOSEN];
    const again = kept?.identity === identity;
    const own = models.map((model) => model.own);
    this.thresholds = again ? kept.thresholds : new Thresholds(own, begun.thresholds);
    this.hidden = again ? kept.hidden : new Set(begun.hidden);
    globalThis[CHOSEN] = { identity, thresholds: this.thresholds, hidden: this.hidden };
    if (again || this.thresholds.changed || this.hidden.size) this.report();
  }

  // Indices of the classes that have a box on any photo; first those with most objects at the model's own thresholds.
  classesFound() {
    const found = new Map();
    for (const layer of this.data.layers) {
      const own = this.data.models[layer.side].own;
      for (const [, , , , index, score] of this.data.photos.flatMap((photo) => photo.boxes[layer.key] ?? [])) {
        found.set(index, (found.get(index) ?? 0) + (score >= own[index] ? 1 : score / 1e6));
      }
    }
    this.common = clamp([...found.values()].filter((count) => count >= 1).length, ...FIRST_CLASSES);
    return [...found.keys()].sort((a, b) => found.get(b) - found.get(a) || a - b);
  }

  // Keep the tiles of photos that stay, with their pictures, and put all in the order of the data.
  arrange() {
    const { photos } = this.data;
    const several = photos.length > 1;
    this.find(".grid").hidden = !several;
    const keys = new Set(photos.map((photo) => photo.key));
    for (const [key, tile] of this.tiles) {
      if (keys.has(key)) continue;
      this.seen.unobserve(tile.element);
      tile.element.remove();
      this.tiles.delete(key);
    }
    if (!several) return;
    let last = null;
    for (const photo of photos) {
      if (!this.tiles.has(photo.key)) this.tiles.set(photo.key, new Tile(this, photo.key));
      const tile = this.tiles.get(photo.key);
      tile.show(photo, this.data);
      const next = last ? last.nextSibling : this.find(".grid").firstChild;
      if (next !== tile.element) this.find(".grid").insertBefore(tile.element, next);
      last = tile.element;
    }
  }

  // ---- Classes and thresholds

  listClasses() {
    const chips = this.found.map((index) => this.chip(index));
    const later = chips.slice(this.common);
    const more = make("button", "more", `${later.length} more ${later.length === 1 ? "class" : "classes"}`);
    later.forEach((chip) => (chip.hidden = true));
    more.type = "button";
    more.hidden = !later.length;
    more.onclick = () => {
      later.forEach((chip) => (chip.hidden = false));
      more.hidden = true;
      later[0].querySelector("input").focus();
    };
    this.find(".classes").replaceChildren(...chips, more);
    this.find(".each").hidden = this.found.length < 2 && this.data.models.length < 2;
    this.find(".list").replaceChildren(...this.found.map((index) => this.classSliders(index)));
  }

  chip(index) {
    const [name, colour] = this.data.classes[index];
    const chip = make("label", "chip");
    const box = make("input");
    box.type = "checkbox";
    box.checked = !this.hidden.has(index);
    box.onchange = () => {
      this.hidden[box.checked ? "delete" : "add"](index);
      this.refresh();
      this.report();
    };
    chip.append(box, swatch(colour), make("span", "class", name), make("output"));
    chip.dataset.index = index;
    return chip;
  }

  classSliders(index) {
    const [name, colour] = this.data.classes[index];
    const row = make("div", "row");
    row.append(swatch(colour), make("span", "class", name));
    this.data.models.forEach((model, side) => {
      if (model.own[index] === null) return row.append(make("span", "unknown", "not a class of it"));
      const label = make("label");
      const slider = make("input");
      Object.assign(slider, { type: "range", min: LOWEST, max: HIGHEST, step: 0.01 });
      slider.ariaLabel = `Threshold of ${name}${this.data.models.length > 1 ? `, ${model.name}` : ""}`;
      slider.dataset.side = side;
      slider.dataset.index = index;
      slider.oninput = () => {
        this.thresholds.set(side, index, slider.valueAsNumber);
        this.showThresholds();
        this.refresh();
      };
      slider.onchange = () => this.report();
      label.append(slider, make("output"));
      row.append(label);
    });
    return row;
  }

  showThresholds() {
    const { values, reach, changed } = this.thresholds;
    const active = this.root.getRootNode().activeElement;
    [this.slider.min, this.slider.max] = reach.map((hundredths) => hundredths / 100);
    this.slider.value = this.thresholds.moved;
    const texts = values.map((row) => rangeText(this.used(row)));
    this.find(".confidence output").textContent = texts.join(" | ");
    this.slider.ariaValueText = texts.join(" and ");
    this.find(".own").hidden = !changed && active !== this.find(".own");
    for (const slider of this.root.querySelectorAll(".row input")) {
      const value = values[slider.dataset.side][slider.dataset.index];
      if (slider !== active) slider.value = value;
      slider.nextSibling.textContent = value.toFixed(2);
    }
    this.limits = values.map((row) => row.map((value) => Math.fround(value ?? 2)));
  }

  // Thresholds of the classes that matter here: those with boxes, else all.
  used(row) {
    const found = this.found.map((index) => row[index]).filter((value) => value !== null);
    return found.length ? found : row.filter((value) => value !== null);
  }

  report() {
    const { identity } = this.data;
    this.tell("shown", { identity, thresholds: this.thresholds.values, hidden: [...this.hidden] });
  }

  // ---- What is shown

  passes(layer, index, score) {
    if (this.hidden.has(index)) return false;
    if (score === null) return true;
    return score >= this.limits[layer.side][index] !== layer.below;
  }

  refresh() {
    const { photos, layers, models } = this.data;
    const all = models.map(() => new Tally());
    for (const photo of photos) {
      const tallies = models.map(() => new Tally());
      const drawn = []; // from bottom to top
      for (const layer of layers) {
        for (const row of (photo.boxes[layer.key] ?? []).toReversed()) {
          if (!this.passes(layer, row[4], row[5])) continue;
          tallies[layer.side].add(layer.kind, row[4]);
          if (layer.kind !== "ground_truth") drawn.push([layer, row]);
        }
      }
      tallies.forEach((tally, side) => all[side].join(tally));
      this.tiles.get(photo.key)?.refresh(tallies, drawn);
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tiles.forEach((tile) => tile.draw()), SETTLED_MILLISECONDS);
    this.showTotals(all);
    this.viewer?.refresh();
  }

  showTotals(all) {
    const { photos, models } = this.data;
    for (const chip of this.root.querySelectorAll(".chip")) {
      const counts = all.map((tally) => tally.classes.get(Number(chip.dataset.index)) ?? 0);
      chip.lastChild.textContent = counts.map((count) => count.toLocaleString("en")).join(" | ");
    }
    const labelled = photos.filter((photo) => photo.labelled).length;
    this.find(".outcome").replaceChildren(
      ...(labelled ? all.map((tally, side) => make("span", "", outcomeText(tally, labelled, models, side))) : []),
    );
    const best = Math.max(-1, ...photos.flatMap((photo) => photo.best));
    const none = photos.length && all.every((tally) => !tally.objects);
    this.find(".nothing").textContent = none ? this.nothingText(best) : "";
    this.find(".nothing").hidden = !none;
  }

  nothingText(best) {
    if (this.hidden.size && best >= 0) return "Nothing to show: choose more classes, or move the slider left.";
    if (best < 0) return `No detection scores even ${LOWEST}: the model finds none of its classes here.`;
    return `No detection reaches the threshold; the highest score is ${best.toFixed(2)}. Move the slider left to see it.`;
  }

  // ---- The viewer

  // Show the single photo, or the one that was opened, with its sharp picture as soon as that is there.
  view() {
    const { photos, layers, identity, classes, models } = this.data;
    const single = photos.length === 1;
    if (single && this.viewerRoot.parentElement !== this.find(".single")) this.find(".single").append(this.viewerRoot);
    if (!single && this.viewerRoot.parentElement !== this.find(".room")) this.find(".room").append(this.viewerRoot);
    this.viewerRoot.after(this.correction);
    this.find(".single").hidden = !single;
    if (!single && !this.dialog.open) return;
    const viewed = photos.map((photo) => ({
      ...photo,
      address: globalThis[PICTURES]?.[photo.key] ?? photo.thumbnail,
      boxes: Object.fromEntries(Object.entries(photo.boxes).map(([key, rows]) => [key, { rows, classes }])),
    }));
    const place = single ? 0 : this.place;
    const data = { identity, count: photos.length, place, min_score: null, layers, photos: viewed };
    data.sides = models.map((model) => model.name);
    if (!this.viewer) {
      this.viewer = new Viewer(this.viewerRoot, data, (box) => this.passes(box.layer, box.index, box.score));
      this.viewer.moved = (shown) => {
        this.opened = this.data.photos[shown].key;
        this.showCorrection();
      };
      this.viewer.send = () => this.tell("opened", this.opened);
    }
    if (!single) this.viewer.place = place;
    this.viewer.update(data);
    this.showCorrection();
  }

  // Photos whose predictions are wrong: the server takes the whole list, so that no click is lost or counted twice.
  collect() {
    const key = this.shownKey;
    this.collected[this.collected.has(key) ? "delete" : "add"](key);
    this.showCorrection();
    this.tell("collected", [...this.collected]);
  }

  showCorrection() {
    const [button, status] = this.correction.children;
    const kept = this.collected.has(this.shownKey);
    this.correction.hidden = !this.data.collected;
    button.ariaPressed = kept;
    button.textContent = kept ? "Do not keep it" : "This prediction is wrong: correct it and keep it";
    const more = this.data.photos.length > 1 ? "; open more photos, or close this one" : "";
    status.textContent = kept ? `✓ Kept to be corrected${more}. The button to label is below the photos.` : "";
  }

  get shownKey() {
    const { photos } = this.data;
    return photos.length === 1 ? photos[0].key : this.opened;
  }

  get place() {
    return Math.max(0, this.data.photos.findIndex((photo) => photo.key === this.opened));
  }

  open(key) {
    this.opened = key;
    const place = this.find(".place-of-controls");
    place.style.minHeight = `${place.offsetHeight}px`; // nothing behind the dialog moves
    this.find(".room").prepend(this.find(".controls"));
    this.dialog.showModal();
    this.view();
    this.find(".stage").focus();
    this.tell("opened", key);
  }

  leave() {
    const place = this.find(".place-of-controls");
    place.append(this.find(".controls"));
    place.style.minHeight = "";
    this.tiles.get(this.opened)?.button.focus();
  }
}

function outcomeText(tally, labelled, models, side) {
  const { right, wrong, missed } = tally;
  const share = (part, whole) => (whole ? `${Math.round((100 * part) / whole)} %` : "–");
  const whose = models.length > 1 ? `${models[side].name}: ` : "";
  return (
    `${whose}${counted(right + missed, "labelled object")} on ${counted(labelled, "photo")}: ${right} found, ` +
    `${missed} missed, ${counted(wrong, "false alarm")}; precision ${share(right, right + wrong)}, ` +
    `recall ${share(right, right + missed)}`
  );
}
