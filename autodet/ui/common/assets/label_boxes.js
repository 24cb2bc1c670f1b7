// The labels of one photo while they are edited. States and boxes never change, so that undo keeps the earlier ones.
// A state is { boxes, reviewed, flagged }; a box is { class, box: [x1, y1, x2, y2], difficult, truncated, score }, in
// pixels of the photo, with a score if a model proposed it and no person has accepted it. The first box is on top.

const MIN_SIDE = 2; // pixels of the photo
const MAX_UNDO = 200;
const MERGE_MILLISECONDS = 1000; // in which repeated keys count as one change
const SAME_BOX_IOU = 0.9;
const LABELLED_IOU = 0.5; // as in autodet/datasets/drafts/flags.py

function stateOf({ boxes, reviewed, flagged }) {
  return { boxes, reviewed, flagged };
}

// Equal for states with equal labels; numbers count to a hundredth of a pixel.
function contentOf({ boxes, reviewed, flagged }) {
  const round = (value) => Math.round(value * 100) / 100;
  const rows = boxes.map((box) => [box.class, ...box.box.map(round), box.difficult, box.truncated, box.score]);
  return JSON.stringify([rows, reviewed, flagged]);
}

function boxText(count) {
  return `${count.toLocaleString("en")} ${count === 1 ? "box" : "boxes"}`;
}

function isProposal(box) {
  return box.score !== null;
}

function accepted(box) {
  return { ...box, score: null };
}

// What is known of a photo, as autodet/records/drafts.py defines it.
function conditionOf({ boxes, reviewed }) {
  if (boxes.some(isProposal)) return "proposed";
  if (boxes.length) return "labelled";
  return reviewed ? "empty" : "unlabelled";
}

// A box within the photo, of at least MIN_SIDE, with corners in order; a moved one keeps its size at a border.
function within([x1, y1, x2, y2], size) {
  const ordered = [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];
  const round = (value) => Math.round(value * 100) / 100;
  for (const axis of [0, 1]) {
    const side = Math.min(MIN_SIDE, size[axis]);
    ordered[axis] = clamp(ordered[axis], 0, size[axis] - side);
    ordered[axis + 2] = clamp(ordered[axis + 2], ordered[axis] + side, size[axis]);
  }
  return ordered.map(round);
}

function movedBy([x1, y1, x2, y2], x, y, size) {
  const across = clamp(x, -x1, size[0] - x2);
  const down = clamp(y, -y1, size[1] - y2);
  return within([x1 + across, y1 + down, x2 + across, y2 + down], size);
}

// Sides of a box as parts of the photo's.
function sharesOf([x1, y1, x2, y2], size) {
  return [(x2 - x1) / size[0], (y2 - y1) / size[1]];
}

function overlap(one, other) {
  const across = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const down = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  const shared = Math.max(0, across) * Math.max(0, down);
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  return shared / Math.max(1e-9, area(one) + area(other) - shared);
}

function isAlike(one, other) {
  return one.class === other.class && overlap(one.box, other.box) >= SAME_BOX_IOU;
}

// The boxes of two lists; of two that are alike, the first.
function joined(boxes, others) {
  return [...boxes, ...others.filter((other) => !boxes.some((box) => isAlike(box, other)))];
}

// Whether the labels still have what an issue tells: an object without a label, or a label that looks wrong.
function isOpen(issue, boxes) {
  const missing = issue.kind === "missing";
  const least = missing ? LABELLED_IOU : SAME_BOX_IOU;
  const about = (box) => !isProposal(box) && box.class === issue.class && overlap(box.box, issue.box) >= least;
  return missing !== boxes.some(about);
}

class Labels {
  constructor(draft) {
    this.take(draft);
  }

  // Begin again with what the server has.
  take(draft) {
    this.revision = draft.revision;
    this.state = stateOf(draft);
    this.past = [];
    this.future = [];
    this.merged = null;
  }

  get boxes() {
    return this.state.boxes;
  }

  get condition() {
    return conditionOf(this.state);
  }

  // Take a new state; ``merge`` names a change that repeated keys make, such as a move of one box.
  put(state, merge = null) {
    if (contentOf(state) === contentOf(this.state)) return false;
    const now = Date.now();
    const again = merge && merge === this.merged?.name && now - this.merged.time < MERGE_MILLISECONDS;
    if (!again) this.past = [...this.past.slice(1 - MAX_UNDO), this.state];
    this.merged = merge && { name: merge, time: now };
    this.future = [];
    this.state = state;
    return true;
  }

  // Take new boxes. A photo without any is not reviewed: only a person's word makes it one without objects.
  putBoxes(boxes, merge = null) {
    return this.put({ ...this.state, boxes, reviewed: boxes.some((box) => !isProposal(box)) }, merge);
  }

  undo() {
    return this.step(this.past, this.future);
  }

  redo() {
    return this.step(this.future, this.past);
  }

  step(from, to) {
    if (!from.length) return false;
    to.push(this.state);
    this.state = from.pop();
    this.merged = null;
    return true;
  }
}
