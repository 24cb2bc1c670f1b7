// What a visitor can do in the label editor: one list for buttons, keys and the help.

const STEP = 8; // pixels of the stage that an arrow key moves a box
const LARGE_STEP = 64;
const NEW_SHARE = 0.3; // of the photo that the first box takes which a key draws, at each side
const MAX_NEW_SHARE = 0.8; // of the visible part

// name: of the button with data-action; keys: as the help shows them; press: values of event.key, in lower case; once:
// whether a held key acts once.
const ACTIONS = [
  { name: "next", press: ["arrowright", "pagedown"], keys: "→ or Page down", does: "Next photo", once: true },
  { name: "previous", press: ["arrowleft", "pageup"], keys: "← or Page up", does: "Previous photo", once: true },
  { name: "nextUnlabelled", press: ["u"], keys: "U", does: "Next unlabelled photo", once: true },
  { name: "nextFlagged", press: ["g"], keys: "G", does: "Next flagged photo", once: true },
  { name: "create", press: ["n"], keys: "N", does: "New box in the middle of the view, as large as the last one" },
  { name: "", keys: "Tab, Shift Tab", does: "Select the next or previous box" },
  { name: "", keys: "Arrows", does: "Move the selected box; with Shift, move its right and lower edges" },
  { name: "", keys: "Ctrl or Alt with arrows", does: "In large steps, or by one pixel; on a Mac ⌘ for Ctrl" },
  { name: "", keys: "1 to 9", does: "Class of the selected box, or of the next one" },
  // Firefox searches the page after / and ', and would take the keys that follow.
  { name: "findClass", press: ["c", "/", "'"], keys: "C or /", does: "Search for a class, or add one" },
  { name: "confirm", press: ["enter"], keys: "Enter", does: "Accept the proposal; leave the box; go on", once: true },
  { name: "remove", press: ["delete", "backspace"], keys: "Delete", does: "Delete the selected box" },
  { name: "difficult", press: ["d"], keys: "D", does: "Difficult: metrics ignore the box" },
  { name: "truncated", press: ["t"], keys: "T", does: "Truncated: the object continues outside the box" },
  { name: "acceptAll", press: ["a"], keys: "A", does: "Accept all proposals of the photo" },
  { name: "rejectAll", press: ["r"], keys: "R", does: "Reject all proposals of the photo" },
  { name: "none", press: ["o"], keys: "O", does: "No objects here" },
  { name: "flag", press: ["f"], keys: "F", does: "Flag the photo, to look at it again" },
  { name: "copy", press: ["v"], keys: "V", does: "Copy the boxes of the previous photo" },
  { name: "undo", keys: "Ctrl Z", does: "Undo" },
  { name: "redo", keys: "Ctrl Shift Z", does: "Redo" },
  { name: "mode", press: ["m"], keys: "M, or hold Space", does: "Switch between drawing and moving the view" },
  { name: "names", press: ["l"], keys: "L", does: "Show or hide the names of classes" },
  { name: "zoomIn", press: ["+", "="], keys: "+", does: "Zoom in" },
  { name: "zoomOut", press: ["-"], keys: "−", does: "Zoom out" },
  { name: "fit", press: ["0"], keys: "0", does: "Show the whole photo" },
  { name: "window", press: ["w"], keys: "W", does: "Fill the window with the editor, or leave it" },
  { name: "leave", press: ["escape"], keys: "Esc", does: "Leave the box" },
  { name: "help", press: ["?"], keys: "?", does: "This list" },
];

// The methods that ACTIONS name.
const actions = {
  next: (editor) => editor.step(1),
  previous: (editor) => editor.step(-1),
  nextUnlabelled: (editor) => editor.open(editor.data.next.unlabelled),
  nextFlagged: (editor) => editor.open(editor.data.next.flagged),

  create(editor) {
    const { stage } = editor;
    const view = [stage.width, stage.height].map((side) => side / stage.scale);
    const half = view.map((side, axis) => Math.min(side * MAX_NEW_SHARE, stage.size[axis] * editor.shares[axis]) / 2);
    const [x, y] = stage.centre;
    editor.add(within([x - half[0], y - half[1], x + half[0], y + half[1]], stage.size));
  },

  findClass: (editor) => editor.classes.find(),

  // What Enter does: decide on the selected proposal, else leave the box, else go on to the next photo.
  confirm(editor) {
    const { selected, labels } = editor;
    if (!selected && editor.unnamed) {
      editor.classes.find();
    } else if (selected && isProposal(selected)) {
      const following = labels.boxes.find((box) => box !== selected && isProposal(box));
      editor.replace(selected, accepted(selected));
      editor.selectBox(following ?? null);
    } else if (selected) {
      editor.select(null);
    } else if (labels.condition === "proposed") {
      editor.selectBox(labels.boxes.find(isProposal));
    } else if (labels.condition === "unlabelled") {
      editor.hint("Draw a box, or press O if there are no objects here.");
    } else {
      if (labels.put({ ...labels.state, reviewed: true }) || editor.photo.issues.length) editor.changed();
      editor.step(1);
    }
  },

  remove(editor) {
    const { selected, labels } = editor;
    if (!selected) {
      editor.dropUnnamed();
      return;
    }
    const place = labels.boxes.indexOf(selected);
    editor.putBoxes(labels.boxes.filter((box) => box !== selected));
    if (isProposal(selected)) editor.selectBox(labels.boxes.slice(place).find(isProposal) ?? null);
  },

  difficult: (editor) => editor.turn("difficult"),
  truncated: (editor) => editor.turn("truncated"),
  acceptAll: (editor) => actions.acceptFrom(editor, 0),
  acceptAbove: (editor) => actions.acceptFrom(editor, editor.find(".least input").valueAsNumber),

  acceptFrom(editor, least) {
    const passes = (box) => isProposal(box) && box.score >= least;
    editor.putBoxes(editor.labels.boxes.map((box) => (passes(box) ? accepted(box) : box)));
  },

  rejectAll: (editor) => editor.putBoxes(editor.labels.boxes.filter((box) => !isProposal(box))),

  none(editor) {
    const { labels } = editor;
    const empty = labels.condition === "empty";
    if (labels.boxes.some((box) => !isProposal(box))) editor.hint("Delete the boxes first; this photo has objects.");
    else if (labels.put({ ...labels.state, boxes: [], reviewed: !empty })) editor.changed();
  },

  flag(editor) {
    const { labels } = editor;
    labels.put({ ...labels.state, flagged: !labels.state.flagged });
    editor.changed();
  },

  copy(editor) {
    const { before, labels, stage } = editor;
    if (!before) return;
    const factors = [0, 1].map((axis) => stage.size[axis] / before.size[axis]);
    const copied = before.boxes
      .filter((box) => !isProposal(box))
      .map((box) => ({ ...box, box: within(box.box.map((value, axis) => value * factors[axis % 2]), stage.size) }));
    if (!copied.length) editor.hint("The previous photo has no boxes.");
    else editor.putBoxes(joined(labels.boxes, copied));
  },

  undo: (editor) => editor.labels.undo() && editor.changed(),
  redo: (editor) => editor.labels.redo() && editor.changed(),

  mode(editor) {
    editor.pans = !editor.pans;
    editor.refresh();
  },

  names(editor) {
    editor.stage.labels = !editor.stage.labels;
    editor.refresh();
  },

  zoomIn: (editor) => editor.zoom(ZOOM_STEP),
  zoomOut: (editor) => editor.zoom(1 / ZOOM_STEP),
  fit: (editor) => editor.stage.fit(),
  window(editor) {
    const { host } = editor.root.getRootNode();
    host.style.minHeight = `${host.offsetHeight}px`; // nothing behind the full window moves
    if (!editor.root.togglePopover()) host.style.minHeight = "";
    editor.stage.element.focus({ preventScroll: true });
    editor.refresh();
  },

  leave(editor) {
    editor.pointers.stop();
    if (!editor.selected) editor.dropUnnamed();
    editor.select(null);
  },

  help: (editor) => editor.find("dialog.help").showModal(),
};

// Those that change labels; a viewer has none of them.
const CHANGES = new Set([
  ...["create", "findClass", "remove", "difficult", "truncated", "acceptAll", "acceptAbove", "rejectAll", "none"],
  ...["flag", "copy", "undo", "redo"],
]);
