// The map of a data set's photos: a point for each, selected by a line around points or a click on one. Points lie on
// one canvas and the line on another, so that a drag draws the line only. Streamlit calls the default export again
// whenever its data changes.

const [LARGE, SMALL, MANY] = [8, 5, 2000]; // pixels of a point, and photos from which on points are small
const [STRONG, PALE] = [0.75, 0.15]; // opacity
const MARGIN = 0.04; // around the points, as a share of their spread
const REACH = 10; // pixels between a point and a click that means it
const GREY = "#8a8f98"; // of rings

const maps = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".map");
  if (!maps.has(root)) maps.set(root, new PhotoMap(root));
  const map = maps.get(root);
  map.tell = (photos) => setStateValue("selection", { identity: map.data.identity, photos });
  map.update(data);
  return () => {
    map.close();
    maps.delete(root);
  };
}

class PhotoMap {
  constructor(root) {
    this.find = (name) => root.querySelector(name);
    this.room = this.find(".room");
    this.points = this.find(".points");
    this.line = this.find(".line");
    this.hint = this.find(".hint");
    this.hidden = new Set();
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.room);
    this.line.onpointerdown = (event) => this.begin(event);
    this.line.onpointermove = (event) => (this.path ? this.extend(event) : this.name(event));
    this.line.onpointerup = () => this.end();
    this.line.onpointercancel = () => this.forget();
    this.line.onpointerleave = () => (this.hint.hidden = true);
    this.find(".closer").onclick = () => this.show(this.selected);
    this.find(".whole").onclick = () => this.show(null);
  }

  close() {
    this.sizes.disconnect();
  }

  update(data) {
    const before = this.data;
    this.data = data;
    if (before?.identity !== data.identity) {
      this.selected = data.selected;
      this.view = null;
      this.forget();
    }
    const names = data.groups.map(([name]) => name).join("\n");
    if (names !== this.named) this.listGroups(names);
    this.draw();
  }

  listGroups(names) {
    this.named = names;
    this.hidden.clear();
    const buttons = this.data.groups.map(([name, colour], group) => {
      const button = document.createElement("button");
      const [dot, text] = [document.createElement("i"), document.createElement("span")];
      dot.className = "dot";
      dot.style.background = colour;
      text.textContent = text.title = name;
      button.type = "button";
      button.ariaPressed = true;
      button.append(dot, text);
      button.onclick = () => {
        this.hidden[this.hidden.has(group) ? "delete" : "add"](group);
        button.ariaPressed = !this.hidden.has(group);
        this.draw();
      };
      return button;
    });
    this.find(".legend").replaceChildren(...buttons);
  }

  // ---- Drawing

  isShown(photo) {
    return !this.hidden.has(this.data.members[photo]);
  }

  // Zoom so far that these photos fill the map; all for none.
  show(photos) {
    this.view = photos;
    this.draw();
  }

  draw() {
    const [width, height] = [this.room.clientWidth, this.room.clientHeight];
    if (!this.data || !width) return;
    for (const canvas of [this.points, this.line]) {
      canvas.width = width * devicePixelRatio;
      canvas.height = height * devicePixelRatio;
    }
    const { xs, ys, groups, members, ringed } = this.data;
    this.places = [this.scaled(xs, width), this.scaled(ys, height).map((y) => height - y)];
    const size = xs.length > MANY ? SMALL : LARGE;
    const context = this.points.getContext("2d");
    context.scale(devicePixelRatio, devicePixelRatio);
    const chosen = new Set(this.data.selecting ? this.selected : []);
    const drawn = groups.map(() => []);
    members.forEach((group, photo) => this.isShown(photo) && drawn[group].push(photo));
    drawn.forEach((photos, group) => {
      const dot = dotOf(groups[group][1], size);
      for (const photo of photos) {
        context.globalAlpha = chosen.size && !chosen.has(photo) ? PALE : STRONG;
        const [x, y] = [this.places[0][photo], this.places[1][photo]];
        context.drawImage(dot, x - size / 2 - 1, y - size / 2 - 1, size + 2, size + 2);
      }
    });
    context.globalAlpha = 1;
    context.strokeStyle = GREY;
    context.lineWidth = 2;
    for (const photo of ringed.filter((one) => this.isShown(one))) {
      context.beginPath();
      context.arc(this.places[0][photo], this.places[1][photo], size, 0, 2 * Math.PI);
      context.stroke();
    }
    this.find(".closer").disabled = this.selected.length < 2;
    this.find(".whole").disabled = !this.view;
  }

  // Coordinates in pixels.
  scaled(values, pixels) {
    const seen = this.view ? this.view.map((photo) => values[photo]) : values;
    const [low, high] = seen.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [1, 0]);
    const rim = MARGIN * Math.max(high - low, 1e-6);
    return values.map((value) => ((value - low + rim) / (high - low + 2 * rim)) * pixels);
  }

  // ---- Selecting

  begin(event) {
    if (event.button) return; // not the main one
    this.hint.hidden = true;
    this.line.setPointerCapture(event.pointerId);
    this.path = [];
    this.extend(event);
  }

  extend({ offsetX, offsetY }) {
    this.path.push([offsetX, offsetY]);
    const context = this.line.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.line.width, this.line.height);
    context.strokeStyle = getComputedStyle(this.room).color;
    context.setLineDash([4, 3]);
    context.beginPath();
    this.path.forEach(([x, y]) => context.lineTo(x, y));
    context.closePath();
    context.stroke();
  }

  // A line selects the photos within; a click the nearest one, or none.
  end() {
    if (!this.path) return;
    const [first] = this.path;
    const isClick = this.path.every(([x, y]) => Math.hypot(x - first[0], y - first[1]) < REACH / 2);
    const nearest = isClick ? this.nearest(...first) : null;
    this.selected = isClick ? (nearest === null ? [] : [nearest]) : this.within(this.path);
    this.forget();
    this.draw();
    this.tell(this.selected);
  }

  forget() {
    this.path = null;
    this.line.getContext("2d").clearRect(0, 0, this.line.width, this.line.height);
  }

  within(path) {
    const [xs, ys] = this.places;
    const isWithin = (x, y) => {
      let within = false;
      path.forEach(([x2, y2], at) => {
        const [x1, y1] = path.at(at - 1);
        if (y1 > y !== y2 > y && x < x1 + ((y - y1) * (x2 - x1)) / (y2 - y1)) within = !within;
      });
      return within;
    };
    return [...xs.keys()].filter((photo) => this.isShown(photo) && isWithin(xs[photo], ys[photo]));
  }

  nearest(x, y) {
    const [xs, ys] = this.places;
    let [best, least] = [null, REACH];
    for (let photo = 0; photo < xs.length; photo++) {
      const distance = Math.hypot(xs[photo] - x, ys[photo] - y);
      if (distance <= least && this.isShown(photo)) [best, least] = [photo, distance];
    }
    return best;
  }

  name({ offsetX, offsetY, pointerType }) {
    const photo = pointerType === "touch" ? null : this.nearest(offsetX, offsetY);
    this.hint.hidden = photo === null;
    if (photo === null) return;
    this.hint.textContent = `${this.data.names[photo]} · ${this.data.groups[this.data.members[photo]][0]}`;
    const room = this.room.clientWidth - this.hint.offsetWidth;
    this.hint.style.left = `${Math.max(0, Math.min(offsetX + 12, room))}px`;
    this.hint.style.top = `${Math.max(0, offsetY - 40)}px`;
  }
}

// A filled circle, to be copied for each point.
function dotOf(colour, size) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = (size + 2) * devicePixelRatio;
  const context = canvas.getContext("2d");
  context.scale(devicePixelRatio, devicePixelRatio);
  context.fillStyle = colour;
  context.beginPath();
  context.arc(size / 2 + 1, size / 2 + 1, size / 2, 0, 2 * Math.PI);
  context.fill();
  return canvas;
}
