// Thumbnails of the predictions, with their boxes and counts. predictions.js follows in the same script.

const SVG = "http://www.w3.org/2000/svg";

function swatch(colour) {
  const element = document.createElement("span");
  element.className = "dot";
  element.style.background = colour;
  return element;
}

// The highest score of a model's detections on a photo; -1 if there is none.
function bestOf(photo, layers, side) {
  const own = layers.filter((layer) => layer.side === side && !layer.below);
  return Math.max(-1, ...own.flatMap((layer) => photo.boxes[layer.key]?.[0]?.[5] ?? []));
}

// Numbers of objects of one model that are shown: by class, and by outcome where there are labels.
class Tally {
  constructor() {
    this.classes = new Map();
    this.objects = this.right = this.wrong = this.missed = 0;
  }

  add(kind, index) {
    if (kind === "ground_truth") return;
    if (kind === "missed") {
      this.missed += 1;
      return;
    }
    this.objects += 1;
    this.classes.set(index, (this.classes.get(index) ?? 0) + 1);
    if (kind === "true_positives") this.right += 1;
    if (kind === "false_positives") this.wrong += 1;
  }

  join(other) {
    for (const [index, count] of other.classes) this.classes.set(index, (this.classes.get(index) ?? 0) + count);
    for (const name of ["objects", "right", "wrong", "missed"]) this[name] += other[name];
  }
}

class Tile {
  constructor(gallery, key) {
    this.gallery = gallery;
    this.element = make("li", "tile");
    this.button = make("button", "open");
    this.button.type = "button";
    this.button.onclick = () => gallery.open(key);
    this.name = make("span", "name");
    this.note = make("span", "note");
    this.element.append(this.button, this.name, this.note);
    this.element.tile = this;
    this.frames = [];
    this.seen = false;
    gallery.seen.observe(this.element);
  }

  show(photo, { classes, models }) {
    this.photo = photo;
    this.classes = classes;
    while (this.frames.length > models.length) this.frames.pop().remove();
    while (this.frames.length < models.length) this.frames.push(this.newFrame(this.frames.length));
    this.frames.forEach((frame, side) => frame.show(photo, models.length > 1 ? models[side].name : ""));
    this.name.textContent = this.name.title = photo.name;
    this.note.textContent = photo.note;
  }

  newFrame(side) {
    const frame = new Frame(side);
    this.button.append(frame.element);
    this.name.before(frame.counts);
    return frame;
  }

  see(seen) {
    this.seen = seen;
    if (seen) this.draw();
  }

  // Draw at once what is seen, and the rest later, so that a slider stays fluid on hundreds of photos.
  refresh(tallies, drawn) {
    this.pending = [tallies, drawn];
    if (this.seen) this.draw();
  }

  draw() {
    if (!this.pending) return;
    const [tallies, drawn] = this.pending;
    this.pending = null;
    this.frames.forEach((frame) => frame.draw(drawn, this.classes));
    this.frames.forEach((frame, side) => frame.count(tallies[side], this.photo, this.classes));
    const objects = tallies.map((tally) => counted(tally.objects, "object")).join(" and ");
    this.button.ariaLabel = `${this.photo.name}, ${objects}; enlarge`;
  }
}

// The photo with the boxes of one model. A second model's boxes also lie in the first frame, dashed; the style sheet
// shows them where there is no room for two frames.
class Frame {
  constructor(side) {
    this.side = side;
    this.element = make("span", side ? "frame second" : "frame");
    this.picture = make("img");
    this.picture.loading = "lazy";
    this.picture.decoding = "async";
    this.drawing = document.createElementNS(SVG, "svg");
    this.drawing.ariaHidden = "true";
    this.counts = make("span", side ? "counts second" : "counts");
    this.element.append(this.picture, this.drawing);
  }

  remove() {
    this.element.remove();
    this.counts.remove();
  }

  show(photo, model) {
    const address = serverAddress(photo.thumbnail);
    if (this.picture.src !== address) this.picture.src = address;
    this.picture.alt = photo.name;
    this.counts.dataset.model = model;
    this.drawing.setAttribute("viewBox", `0 0 ${photo.size.join(" ")}`);
  }

  draw(drawn, classes) {
    const lines = []; // from bottom to top; neighbours of one ink share a path
    for (const [layer, [x1, y1, x2, y2, index]] of drawn) {
      if (this.side && layer.side !== this.side) continue;
      const colour = layer.colour || classes[index][1];
      const other = layer.side !== this.side;
      const ink = `${colour}${layer.dashed || other ? " dashed" : ""}${other ? " other" : ""}`;
      const line = `M${x1} ${y1}H${x2}V${y2}H${x1}Z`;
      if (lines.at(-1)?.[0] === ink) lines.at(-1)[1] += line;
      else lines.push([ink, line]);
    }
    this.drawing.replaceChildren(...lines.flatMap(([ink, line]) => pathsOf(ink, line)));
  }

  count(tally, photo, classes) {
    const counts = [...tally.classes].sort(([a], [b]) => a - b);
    const outcome = photo.labelled ? [tally.right, tally.missed, tally.wrong] : [];
    const told = JSON.stringify([counts, outcome, classes.length]);
    if (told === this.told) return;
    this.told = told;
    const parts = counts.map(([index, count]) => {
      const part = make("span", "count");
      part.append(swatch(classes[index][1]), `${count} `, make("span", "class", classes[index][0]));
      return part;
    });
    if (!parts.length) parts.push(make("span", "count", nothingText(photo.best[this.side])));
    if (photo.labelled) parts.push(make("span", "count errors", errorsText(tally)));
    this.counts.replaceChildren(...parts);
  }
}

// Two lines: a light one below makes the other visible on any photo.
function pathsOf(ink, line) {
  const [colour, ...kinds] = ink.split(" ");
  return ["halo", "line"].map((name) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", [name, ...kinds].join(" "));
    path.setAttribute("d", line);
    if (name === "line") path.setAttribute("stroke", colour);
    return path;
  });
}

function nothingText(best) {
  return best < 0 ? "nothing found" : `nothing found; highest score ${best.toFixed(2)}`;
}

function errorsText({ right, missed, wrong }) {
  return `${right} found · ${missed} missed · ${counted(wrong, "false alarm")}`;
}
