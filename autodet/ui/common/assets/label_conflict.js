// Two versions of a photo's labels, beside each other: another tab or person stored the other one first.

const SIDES = [
  { key: "mine", title: "Yours", term: "", colour: "", dashed: false, shown: true, below: false, side: 0 },
  { key: "theirs", title: "Theirs", term: "", colour: "", dashed: false, shown: true, below: false, side: 1 },
];

class Conflict {
  constructor(editor) {
    this.editor = editor;
    this.root = editor.find(".conflict");
    this.root.querySelector(".mine").onclick = () => this.settle("mine");
    this.root.querySelector(".theirs").onclick = () => this.settle("theirs");
    this.root.querySelector(".both").onclick = () => this.settle("both");
  }

  close() {
    this.viewer?.close();
  }

  get entry() {
    const entry = this.editor.outbox.photos.get(this.editor.file);
    return entry?.theirs ? entry : null;
  }

  show() {
    const { entry, editor } = this;
    this.root.hidden = !entry;
    editor.find(".work").hidden = Boolean(entry);
    editor.find(".tools").hidden = Boolean(entry);
    editor.find(".below").hidden = Boolean(entry);
    if (!entry) return;
    const { theirs, state } = entry;
    const when = theirs.time ? ` at ${new Date(theirs.time).toLocaleTimeString([], { timeStyle: "short" })}` : "";
    this.root.querySelector(".who").textContent =
      `${harmless(theirs.author) || "Another tab"} changed this photo${when}, after you began. Nothing is lost: ` +
      "compare both, and choose.";
    const photo = { name: harmless(editor.file), address: editor.data.pictures.photos[editor.file]?.address };
    photo.size = editor.photo.size;
    photo.boxes = { mine: this.rows(state), theirs: this.rows(theirs) };
    const data = { identity: editor.file, count: 1, place: 0, min_score: null, layers: SIDES, photos: { 0: photo } };
    data.sides = [this.title("Yours", state), this.title("Theirs", theirs)];
    const shown = JSON.stringify(data);
    if (shown === this.shown) return;
    this.shown = shown;
    this.viewer ??= new Viewer(this.root.querySelector(".viewer"), data);
    this.viewer.update(data);
  }

  title(whose, state) {
    const boxes = boxText(state.boxes.length);
    return `${whose}: ${conditionOf(state) === "empty" ? "no objects" : boxes}${state.flagged ? ", flagged" : ""}`;
  }

  rows({ boxes }) {
    const { classes } = this.editor;
    const names = [...new Set(boxes.map((box) => box.class))];
    return {
      classes: names.map((name) => [harmless(name), classes.colour(name)]),
      rows: boxes.map((box) => [...box.box, names.indexOf(box.class), box.score]),
    };
  }

  settle(choice) {
    const { entry, editor } = this;
    const { theirs, state } = entry;
    const boxes = joined(state.boxes, theirs.boxes);
    const both = { boxes, reviewed: boxes.some((box) => !isProposal(box)), flagged: state.flagged || theirs.flagged };
    const kept = { mine: state, theirs: null, both }[choice];
    const { file } = editor;
    editor.known.get(file).take(theirs);
    if (kept) editor.known.get(file).put(kept);
    editor.outbox.settle(file, kept && contentOf(kept) !== contentOf(theirs) ? kept : null);
    editor.refresh();
    editor.stage.element.focus({ preventScroll: true });
  }
}
