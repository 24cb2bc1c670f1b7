// The label editor as a component. It shows a photo, keeps its labels, and sends changes through the outbox; Streamlit
// calls the default export again whenever its data changes.

const MAX_KNOWN = 200; // photos whose labels and undo steps are kept
const editors = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".editor");
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
    this.entered = null; // the filter that was just chosen
    this.file = null;
    this.address = new Address(this, data);
    this.known = this.address.known;
    this.selected = null; // a box of the shown photo
    this.shownBoxes = [];
    this.pans = false;
    this.shares = [NEW_SHARE, NEW_SHARE]; // sides of the next box that a key draws, as parts of the photo's
    this.outbox = new Outbox(data.dataset, () => this.told());
    this.outbox.dataset = data.dataset;
    this.outbox.view = () => this.view();
    this.stage = new LabelStage(this.find(".work .stage"));
    this.pointers = new Pointers(this);
    this.classes = new Classes(this);
    this.strip = new Strip(this);
    this.conflict = new Conflict(this);
    this.keys = new Keys(this);
    this.panels = new Panels(this);
    this.pictures = new Pictures(this);
    this.listen();
    this.outbox.look();
    requestAnimationFrame(() => this.begin());
  }

  begin() {
    if (document.activeElement === document.body) {
      this.stage.element.focus({ preventScroll: true });
      if (this.data.linked) this.root.scrollIntoView({ block: "start" });
    }
    if (this.outbox.photos.size || this.outbox.classes.size) this.outbox.later(0);
  }

  close() {
    this.address.close();
    this.stage.close();
    this.keys.close();
    this.outbox.close();
    this.conflict.close();
    this.panels.close();
    removeEventListener("focus", this.awake);
    removeEventListener("online", this.awake);
  }

  listen() {
    for (const button of this.root.querySelectorAll("[data-action]")) {
      button.onclick = () => this.act(button.dataset.action);
    }
    this.root.addEventListener("click", (event) => this.returnFocus(event), true);
    this.find(".drop").onclick = () => this.dropRefused();
    this.find(".settle").onclick = () => this.open(this.outbox.conflicts[0] ?? [...this.outbox.unnamed.keys()][0]);
    this.awake = () => this.outbox.waiting === null && this.outbox.send();
    addEventListener("focus", this.awake);
    addEventListener("online", this.awake);
  }

  // After a click on a button, keys act on the photo again; a button that a key has pressed keeps the focus.
  returnFocus(event) {
    if (event.detail && event.target.closest("button")) this.stage.element.focus({ preventScroll: true });
  }

  // ---- What the server sends

  update(data) {
    this.data = data;
    this.outbox.stored = (file, revision) => this.known.has(file) && (this.known.get(file).revision = revision);
    this.outbox.answer(data.answer);
    for (const [file, photo] of Object.entries(data.photos)) this.learn(file, photo);
    if (this.opened !== data.opened) {
      this.file = this.address.takeInterrupted() ?? data.shown;
      this.opened = data.opened;
    }
    this.drawn = true;
    if (this.entered === data.filter) {
      this.entered = null;
      this.open(data.entry);
    }
    this.refresh();
    this.pictures.show();
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

  // What each message tells.
  view() {
    this.address.write();
    return { at: this.file, filter: this.filter, wanted: this.pictures.wanted };
  }

  // ---- What is shown

  get editable() {
    return this.data.editable && Boolean(this.labels) && !this.conflict.entry;
  }

  // Place of a new box of the shown photo that has no class yet; null if there is none.
  get unnamed() {
    return this.outbox.unnamed.get(this.file) ?? null;
  }

  set unnamed(box) {
    this.outbox.putUnnamed(this.file, box);
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
    const description = `${label}, ${kind}${place}`;
    return { x1, y1, x2, y2, box, colour, label, description, layer: { dashed: isProposal(box) } };
  }

  refresh() {
    const { stage, labels, photo } = this;
    const boxes = labels?.boxes ?? [];
    if (!boxes.includes(this.selected)) this.selected = this.successor(boxes);
    this.shownBoxes = boxes;
    if (stage.size?.join() !== photo.size?.join() || this.begun !== this.file) {
      stage.size = photo.size ?? null;
      stage.fit();
      this.begun = this.file;
    }
    stage.editable = this.editable;
    const dragged = this.pointers.gesture && stage.active; // an answer may arrive while a box is dragged
    stage.boxes = boxes.map((box) => (dragged?.box === box ? dragged : this.viewOf(box)));
    if (this.unnamed) stage.boxes.unshift(this.viewOf({ ...this.newBox(this.unnamed), class: null }));
    this.issues = this.openIssues();
    stage.boxes.push(...this.issues.filter(({ kind }) => kind === "missing").map((issue) => this.suggestedView(issue)));
    stage.active = stage.boxes.find((view) => view.box === this.selected) ?? (this.unnamed && stage.boxes[0]) ?? null;
    stage.hovered = null;
    stage.element.ariaLabel =
      `${harmless(this.file)}, ${boxText(boxes.length)}. Tab selects one, N draws one, the question mark lists all keys.`;
    stage.element.classList.toggle("pans", this.pans || !this.editable);
    stage.redrawBoxes();
    this.classes.show();
    this.strip.showFilters();
    this.strip.show();
    this.conflict.show();
    this.panels.show();
  }

  // The box that took the selected one's place by undo or acceptance; null if boxes came or went.
  successor(boxes) {
    return (boxes.length === this.shownBoxes.length && boxes[this.shownBoxes.indexOf(this.selected)]) || null;
  }

  // What looks wrong on the photo. A review ends it on the server; here it stays until the photo is left.
  openIssues() {
    const served = this.photo.issues ?? [];
    if (served.length || this.doubted?.file !== this.file) this.doubted = { file: this.file, issues: served };
    return this.doubted.issues.filter((issue) => isOpen(issue, this.labels?.boxes ?? []));
  }

  // A box that a model misses, which is no label until it is added.
  suggestedView({ class: name, box }) {
    const view = this.viewOf({ ...this.newBox(box), class: name });
    return { ...view, label: `${view.label}?`, layer: { dashed: true } };
  }

  // Make a missing object a label.
  addMissing({ class: name, box }) {
    if (!this.stage.size) return;
    const added = { ...this.newBox(within(box, this.stage.size)), class: name };
    this.putBoxes([added, ...this.labels.boxes]);
    this.selectBox(added);
  }

  // The outbox has changed.
  told() {
    if (!this.drawn) return;
    if (Boolean(this.conflict.entry) === this.conflict.root.hidden) this.refresh();
    else this.panels.showSaved();
  }

  hint(text) {
    this.panels.hint(text);
  }

  // Zoom to a place.
  look(box) {
    this.selected = null;
    this.stage.fit();
    this.stage.focus(box);
    this.refresh();
    this.zoomed();
  }

  zoomed() {
    this.pictures.zoomed();
  }

  zoom(factor) {
    this.stage.zoomAround(factor);
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
    if (this.unnamed) this.hint("The box without a class is kept on its photo, and waits for its class.");
    this.pointers.stop();
    this.file = file;
    this.selected = null;
    this.refresh();
    this.pictures.show();
    this.outbox.send();
  }

  choose(filter) {
    this.filter = this.entered = filter; // the photo to open there is known when the server answers
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
    this.shares = sharesOf(box, this.stage.size);
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
    if (selected && selected.class !== name) {
      this.replace(selected, { ...accepted(selected), class: name });
    } else if (!selected && unnamed) {
      this.unnamed = null;
      this.add(unnamed);
    }
    this.refresh();
  }

  replace(box, changed, merge = null) {
    const boxes = this.labels.boxes.map((other) => (other === box ? changed : other));
    if (!this.labels.putBoxes(boxes, merge)) return; // as at the photo's edge: the box stays, and stays selected
    this.shares = sharesOf(changed.box, this.stage.size);
    this.selected = changed;
    this.changed();
  }

  // A gesture has placed a view elsewhere.
  place(view, box) {
    if (view.box.class === null) {
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
    this.selectBox(view && view.box.class !== null ? view.box : null);
  }

  selectBox(box) {
    this.selected = box;
    this.refresh();
    this.stage.follow();
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
