// The label editor as a component. It shows a photo, keeps its labels, and sends changes through the outbox; Streamlit
// calls the default export again whenever its data changes.

const PICTURES = "autodet_label_pictures"; // event and global variable of label_pictures.js
const HINT_MILLISECONDS = 5000;
const MAX_KNOWN = 200; // photos whose labels and undo steps are kept
const SAVED_TEXTS = {
  saved: "Saved",
  saving: "Saving …",
  unsent: "Not saved: no connection. Your changes are kept in this browser.",
  silent: "No connection",
  conflict: "Not saved: changed by another tab or person.",
};
const HINTS = {
  draw: "Drag to draw a box; click a box to change it. Enter: next photo. ?: all keys.",
  pan: "Drag to move the photo; click a box to select it. M: draw again.",
  box: "Drag the box or its handles; 1 to 9 change its class; Esc leaves it.",
  proposal: "Enter accepts the proposal, Delete rejects it, a change accepts it too.",
  unnamed: "Write the name of its class, then press Enter.",
  viewer: "You can look at the labels. Only editors change them.",
};

const editors = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".labels");
  if (!editors.has(root)) editors.set(root, new Editor(root, data));
  const editor = editors.get(root);
  editor.outbox.tell = (message) => setStateValue("message", message);
  editor.update(data);
  return () => {
    editor.close();
    editors.delete(root);
  };
}

class Editor {
  constructor(root, data) {
    this.root = root;
    root.editor = this; // for benchmarks/label_editor.py
    this.find = (name) => root.querySelector(name);
    this.data = data;
    this.filter = data.filter;
    this.file = null;
    this.known = new Map(); // labels by file
    this.selected = null; // a box of the shown photo
    this.unnamed = null; // place of a new box that has no class yet
    this.pans = false;
    this.loaded = new Map(); // pictures by address
    this.outbox = new Outbox(data.dataset, () => this.showSaved());
    this.outbox.dataset = data.dataset;
    this.outbox.view = () => ({ at: this.file, filter: this.filter });
    this.stage = new LabelStage(this.find(".work .stage"));
    this.pointers = new Pointers(this);
    this.classes = new Classes(this);
    this.strip = new Strip(this);
    this.conflict = new Conflict(this);
    this.keys = new Keys(this);
    this.listen();
    this.outbox.look();
    requestAnimationFrame(() => this.begin());
  }

  begin() {
    if (document.activeElement === document.body) this.stage.element.focus({ preventScroll: true });
    if (this.outbox.photos.size || this.outbox.classes.size) this.outbox.later(0);
  }

  close() {
    this.stage.close();
    this.keys.close();
    this.outbox.close();
    this.conflict.close();
    clearTimeout(this.hinting);
    removeEventListener(PICTURES, this.takePictures);
    removeEventListener("focus", this.awake);
    removeEventListener("online", this.awake);
  }

  listen() {
    for (const button of this.root.querySelectorAll("[data-action]")) {
      button.onclick = () => this.act(button.dataset.action);
    }
    this.find(".least input").oninput = () => this.showProposals();
    this.find(".drop").onclick = () => this.dropRefused();
    this.find(".settle").onclick = () => this.open(this.outbox.conflicts[0]);
    this.takePictures = () => this.showPictures();
    this.awake = () => this.outbox.waiting === null && this.outbox.send();
    addEventListener(PICTURES, this.takePictures);
    addEventListener("focus", this.awake);
    addEventListener("online", this.awake);
  }

  // ---- What the server sends

  update(data) {
    this.data = data;
    this.outbox.stored = (file, revision) => this.known.has(file) && (this.known.get(file).revision = revision);
    const answered = this.outbox.answer(data.answer);
    for (const [file, photo] of Object.entries(data.photos)) this.learn(file, photo);
    if (this.file === null || !this.known.has(this.file)) this.file = data.shown;
    if (answered || !this.drawn) this.writeAddress();
    this.drawn = true;
    this.refresh();
    this.showPictures();
  }

  // Take labels of the server, unless this browser has changes of its own or the answer is older.
  learn(file, photo) {
    const kept = this.outbox.photos.get(file);
    const known = this.known.get(file);
    if (!known) {
      const labels = new Labels(photo);
      if (kept) Object.assign(labels, { state: kept.state, revision: kept.revision });
      this.known.set(file, labels);
      if (this.known.size > MAX_KNOWN) this.forgetOldest();
    } else if (!kept && photo.revision > known.revision) {
      known.take(photo);
    }
    Object.assign(this.known.get(file), { size: photo.size, photo });
  }

  forgetOldest() {
    const spare = [...this.known.keys()].find((file) => file !== this.file && !this.data.photos[file]);
    this.known.delete(spare);
  }

  writeAddress() {
    const address = new URL(location.href);
    if (!address.searchParams.has("dataset") || this.data.shown !== this.file) return;
    address.searchParams.set("photo", this.file);
    if (address.href !== location.href) history.replaceState(history.state, "", address.href);
  }

  // ---- What is shown

  get editable() {
    return this.data.editable && Boolean(this.labels) && !this.conflict.entry;
  }

  get settling() {
    return Boolean(this.conflict.entry);
  }

  get labels() {
    return this.known.get(this.file);
  }

  get photo() {
    return this.labels?.photo ?? {};
  }

  get active() {
    return this.root.getRootNode().activeElement;
  }

  get focused() {
    return this.root.contains(this.active);
  }

  // Names of the photos in the order of the queue, near the shown one.
  get files() {
    return this.data.files.map(([file]) => file);
  }

  // State and size of the previous photo; null if it is not known.
  get before() {
    const labels = this.known.get(this.files[this.files.indexOf(this.file) - 1]);
    return labels ? { boxes: labels.boxes, size: labels.size } : null;
  }

  get pictures() {
    const sent = globalThis[PICTURES];
    return sent?.dataset === this.data.dataset ? this.collected(sent) : { photos: {}, whole: {}, thumbnails: {} };
  }

  collected({ photos, whole, thumbnails }) {
    this.thumbnails = { ...this.thumbnails, ...thumbnails };
    return { photos, whole, thumbnails: this.thumbnails };
  }

  viewOf(box) {
    const [x1, y1, x2, y2] = box.box;
    const name = harmless(box.class ?? "?");
    const short = name.length > MAX_LABEL ? `${name.slice(0, MAX_LABEL - 1)}…` : name;
    const score = isProposal(box) ? ` ${box.score.toFixed(2)}` : "";
    const marks = [box.difficult && "difficult", box.truncated && "truncated"].filter(Boolean);
    const label = `${short}${score}${marks.length ? ` (${marks.join(", ")})` : ""}`;
    const place = `${Math.round(x2 - x1)} × ${Math.round(y2 - y1)} pixels at ${Math.round(x1)}, ${Math.round(y1)}`;
    const kind = isProposal(box) ? "proposal, " : "";
    const colour = this.classes.colour(box.class);
    return { x1, y1, x2, y2, box, colour, label, description: `${label}, ${kind}${place}`, layer: { dashed: isProposal(box) } };
  }

  refresh() {
    const { stage, labels, photo } = this;
    const boxes = labels?.boxes ?? [];
    if (!boxes.includes(this.selected)) this.selected = null;
    if (stage.size?.join() !== photo.size?.join() || this.begun !== this.file) {
      stage.size = photo.size ?? null;
      stage.fit();
      this.begun = this.file;
    }
    stage.editable = this.editable;
    stage.boxes = boxes.map((box) => this.viewOf(box));
    if (this.unnamed) stage.boxes.unshift(this.viewOf(this.newBox(this.unnamed)));
    stage.active = stage.boxes.find((view) => view.box === this.selected) ?? (this.unnamed && stage.boxes[0]) ?? null;
    stage.hovered = null;
    stage.element.ariaLabel =
      `${harmless(this.file)}, ${boxes.length} boxes. Tab selects a box, N draws one, the question mark lists all keys.`;
    stage.element.classList.toggle("pans", this.pans || !this.editable);
    stage.redrawBoxes();
    this.classes.show();
    this.strip.showFilters();
    this.strip.show();
    this.conflict.show();
    this.showTexts();
    this.showTools();
    this.showProposals();
    this.showSaved();
  }

  showTexts() {
    const { data, photo, files } = this;
    const place = data.place + files.indexOf(this.file) - files.indexOf(data.shown);
    this.find(".place").textContent = `${(place + 1).toLocaleString("en")} of ${data.count.toLocaleString("en")}`;
    this.find(".steps .name").textContent = this.find(".steps .name").title = harmless(this.file);
    const { labels } = this;
    const condition = labels ? CONDITION_TITLES[labels.condition] : "";
    this.find(".condition").textContent = condition;
    this.find(".condition").dataset.condition = labels?.condition ?? "";
    this.find(".reason").textContent = photo.reason ?? "";
    const issues = labels?.state.reviewed && labels.past.length ? [] : (photo.issues ?? []);
    this.find(".issues").replaceChildren(...issues.map((issue) => this.issueButton(issue)));
    const { selected } = this;
    const kind = selected && (isProposal(selected) ? "proposal" : "box");
    this.hintText = HINTS[!data.editable ? "viewer" : this.unnamed ? "unnamed" : (kind ?? (this.pans ? "pan" : "draw"))];
    if (!this.hinting) this.find(".hint").textContent = this.hintText;
  }

  issueButton({ text, box: [x1, y1, x2, y2] }) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = harmless(text);
    button.onclick = () => {
      this.stage.fit();
      this.stage.focus({ x1, y1, x2, y2 });
      this.stage.active = null;
      this.refresh();
    };
    return button;
  }

  hint(text) {
    this.find(".hint").textContent = text;
    clearTimeout(this.hinting);
    this.hinting = setTimeout(() => {
      this.hinting = 0;
      this.find(".hint").textContent = this.hintText;
    }, HINT_MILLISECONDS);
  }

  showTools() {
    const { labels, data, selected, editable } = this;
    const files = this.files;
    const at = files.indexOf(this.file);
    const off = {
      previous: at <= 0,
      next: at < 0 || at === files.length - 1,
      nextUnlabelled: !data.next.unlabelled || data.next.unlabelled === this.file,
      nextFlagged: !data.next.flagged || data.next.flagged === this.file,
      remove: !selected,
      difficult: !selected,
      truncated: !selected,
      undo: !labels?.past.length,
      redo: !labels?.future.length,
      copy: !this.before?.boxes.length,
      none: labels?.boxes.some((box) => !isProposal(box)),
    };
    const on = {
      mode: this.pans,
      names: this.stage.labels,
      flag: labels?.state.flagged,
      none: labels?.condition === "empty",
      difficult: selected?.difficult,
      truncated: selected?.truncated,
    };
    for (const button of this.root.querySelectorAll("[data-action]")) {
      const { action } = button.dataset;
      button.ariaDisabled = String(Boolean(off[action]) || (CHANGES.has(action) && !editable));
      if (action in on) button.ariaPressed = String(Boolean(on[action]));
    }
    this.find("[data-action=mode]").lastChild.textContent = this.pans ? "Move view" : "Draw";
  }

  showProposals() {
    const proposals = this.labels?.boxes.filter(isProposal) ?? [];
    const least = this.find(".least input").valueAsNumber;
    const above = proposals.filter((box) => box.score >= least).length;
    this.find(".proposals").hidden = !proposals.length;
    this.find(".proposals .count").textContent = proposals.length === 1 ? "1 proposal" : `${proposals.length} proposals`;
    this.find(".least output").textContent = least.toFixed(2);
    this.find("[data-action=acceptAbove]").textContent = `Accept ${above} from ${least.toFixed(2)} on`;
  }

  showSaved() {
    if (!this.drawn) return;
    const { outbox } = this;
    const { condition } = outbox;
    const full = outbox.full && condition === "unsent";
    const text = condition === "refused" ? `Not saved: ${harmless(outbox.problem)}` : SAVED_TEXTS[condition];
    const saved = this.find(".saved");
    const shown = full ? "Not saved: no connection. Keep this tab open: this browser can keep no changes." : text;
    if (saved.textContent !== shown) saved.textContent = shown;
    saved.dataset.condition = condition;
    this.find(".drop").hidden = condition !== "refused";
    this.find(".settle").hidden = condition !== "conflict" || Boolean(this.conflict.entry);
    if (Boolean(this.conflict.entry) === this.conflict.root.hidden) this.refresh();
  }

  // ---- Pictures

  showPictures() {
    const { pictures, stage, file, labels } = this;
    const { address, error } = pictures.photos[file] ?? {};
    stage.picture = address ? this.picture(address) : (this.lastPicture?.file === file ? this.lastPicture.picture : null);
    if (address) this.lastPicture = { file, picture: stage.picture };
    stage.error = error ?? (labels ? "" : "");
    const whole = pictures.whole[file]?.address;
    stage.sharp = whole && stage.needsSharp ? this.picture(whole) : null;
    stage.redraw();
    this.strip.show();
    if (this.conflict.entry) this.conflict.show();
    this.askForPictures();
  }

  picture(address) {
    const known = this.loaded.get(address);
    if (known && !(known.complete && !known.naturalWidth)) return known;
    const picture = new Image();
    picture.onload = picture.onerror = () => this.stage.redraw();
    picture.src = serverAddress(address);
    this.loaded.set(address, picture);
    if (this.loaded.size > 2 * MAX_PICTURES) this.loaded.delete(this.loaded.keys().next().value);
    return picture;
  }

  // Tell the server which pictures are needed, if it has not sent them.
  askForPictures() {
    const sent = globalThis[PICTURES];
    if (sent?.dataset !== this.data.dataset) return;
    const { files, next } = { files: this.files, next: this.data.next };
    const at = files.indexOf(this.file);
    const near = [this.file, files[at + 1], files[at - 1], next.unlabelled, files[at + 2], next.flagged];
    const photos = [...new Set(near.filter(Boolean))];
    const whole = this.stage.needsSharp ? [this.file] : [];
    const { missing } = this.strip;
    const done = photos.every((file) => sent.photos[file]) && whole.every((file) => sent.whole[file]);
    photos.filter((file) => sent.photos[file]?.address).forEach((file) => this.picture(sent.photos[file].address));
    if (done && !missing.length) return;
    const wanted = { photos, whole, thumbnails: missing };
    const asked = JSON.stringify([wanted, sent.number]);
    if (asked === this.asked) return;
    this.asked = asked;
    this.asking = (this.asking ?? 0) + 1;
    sent.ask({ number: `${this.outbox.tab} ${this.asking}`, ...wanted });
  }

  // The view has been zoomed: the whole photo may be needed.
  zoomed() {
    this.showPictures();
  }

  zoom(factor) {
    this.stage.zoomBy(factor);
    this.zoomed();
  }

  // ---- Photos

  step(by) {
    const { files } = this;
    const at = files.indexOf(this.file) + by;
    if (files[at]) this.open(files[at]);
    else this.hint(by > 0 ? "This is the last photo here." : "This is the first photo here.");
  }

  open(file) {
    if (!file || file === this.file) return;
    this.dropUnnamed();
    this.pointers.stop();
    this.file = file;
    this.selected = null;
    this.refresh();
    this.showPictures();
    this.outbox.send();
  }

  choose(filter) {
    this.filter = filter;
    this.refresh();
    this.outbox.send();
  }

  // ---- Changes

  // Do something by its name; return whether it was possible.
  act(name) {
    const button = this.find(`[data-action=${name}]`);
    const change = CHANGES.has(name);
    if (!actions[name] || button?.ariaDisabled === "true" || (change && !this.editable)) return false;
    if (this.stage.size || !change) actions[name](this);
    return true;
  }

  changed() {
    this.outbox.put(this.file, this.labels.state, this.labels.revision);
    this.refresh();
  }

  putBoxes(boxes, merge) {
    if (this.labels.putBoxes(boxes, merge)) this.changed();
  }

  newBox(box) {
    return { class: this.classes.chosen, box, difficult: false, truncated: false, score: null };
  }

  // Add a box with the chosen class; the first box of all asks for a class.
  add(box) {
    if (this.classes.chosen === null) {
      this.unnamed = box;
      this.refresh();
      this.classes.find();
      return;
    }
    const added = this.newBox(box);
    this.putBoxes([added, ...this.labels.boxes]);
    this.selectBox(added);
  }

  dropUnnamed() {
    if (!this.unnamed) return;
    this.unnamed = null;
    this.refresh();
  }

  setClass(name) {
    const { selected, unnamed } = this;
    if (unnamed) {
      this.unnamed = null;
      this.add(unnamed);
    } else if (selected && selected.class !== name) {
      this.replace(selected, { ...accepted(selected), class: name });
    }
    this.refresh();
  }

  replace(box, changed, merge = null) {
    const boxes = this.labels.boxes.map((other) => (other === box ? changed : other));
    this.selected = changed;
    this.putBoxes(boxes, merge);
  }

  // A gesture has placed a view elsewhere.
  place(view, box) {
    if (this.unnamed) {
      this.unnamed = box;
      this.refresh();
    } else {
      this.replace(view.box, { ...accepted(view.box), box });
    }
  }

  turn(mark) {
    const { selected } = this;
    if (selected) this.replace(selected, { ...accepted(selected), [mark]: !selected[mark] });
  }

  select(view) {
    if (!this.unnamed) this.selectBox(view?.box ?? null);
  }

  selectBox(box) {
    this.selected = box;
    this.refresh();
    if (box && this.stage.zoom > 1 && this.stage.active && !this.stage.isVisible(this.stage.active)) {
      this.stage.point(this.stage.active);
    }
  }

  dropRefused() {
    const files = [...this.outbox.photos].filter(([, entry]) => entry.problem).map(([file]) => file);
    this.outbox.drop();
    for (const file of files) {
      const labels = this.known.get(file);
      labels?.take(this.data.photos[file] ?? { ...labels.photo });
    }
    this.refresh();
  }
}
