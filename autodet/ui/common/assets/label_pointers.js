// Pointers on the stage: a mouse, a pen or fingers draw, move, resize, pan and zoom. A gesture changes what is drawn
// only; its end changes the labels.

const MIN_DRAG = 5; // pixels from which a press is no click
const PASSING = { mouse: 4, pen: 6, touch: 8 };

class Pointers {
  constructor(editor) {
    this.editor = editor;
    this.stage = editor.stage;
    this.down = new Map();
    this.gesture = null; // { move(now), end(), cancel() }
    this.space = false;
    const { element } = this.stage;
    element.onpointerdown = (event) => this.press(event);
    element.onpointermove = (event) => this.move(event);
    element.onpointerup = (event) => this.release(event);
    element.onpointercancel = (event) => this.abort(event);
    element.onpointerleave = () => this.point(null, null);
    element.onauxclick = (event) => event.preventDefault();
    element.oncontextmenu = (event) => event.preventDefault();
    element.addEventListener("wheel", (event) => this.turn(event), { passive: false });
  }

  press(event) {
    if (event.button > 1) return;
    const { element } = this.stage;
    element.setPointerCapture(event.pointerId);
    element.focus({ preventScroll: true });
    if (event.button === 1) event.preventDefault(); // no scrolling by the middle button
    const point = pointIn(element, event);
    this.down.set(event.pointerId, point);
    if (this.down.size === 1) this.gesture = this.begin(point, event);
    else this.stop();
  }

  move(event) {
    const { stage } = this;
    const now = pointIn(stage.element, event);
    const before = this.down.get(event.pointerId);
    if (!before) {
      this.point(now, event.pointerType);
      return;
    }
    this.down.set(event.pointerId, now);
    const other = [...this.down].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      this.pinch(before, now, other);
      return;
    }
    this.gesture?.move(now);
    if (event.pointerType === "mouse") stage.cross = null;
    stage.redrawTop();
  }

  // Two fingers: the middle between them moves half as far as one of them.
  pinch(before, now, other) {
    const { stage } = this;
    const length = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
    stage.zoomBy(length(now) / Math.max(1, length(before)), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
    stage.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    this.editor.zoomed();
  }

  release(event) {
    this.down.delete(event.pointerId);
    const { gesture } = this;
    if (this.down.size || !gesture) return;
    this.gesture = null;
    gesture.end(pointIn(this.stage.element, event));
    this.stage.redrawTop();
  }

  abort(event) {
    this.down.delete(event.pointerId);
    this.stop();
  }

  // End a gesture without its effect.
  stop() {
    this.gesture?.cancel?.();
    this.gesture = null;
    this.stage.redrawTop();
  }

  // The pointer is above the stage, or has left it.
  point(now, kind) {
    const { stage, editor } = this;
    const drawing = now && !editor.pans && !this.space && editor.editable;
    stage.cross = drawing && kind !== "touch" ? now : null;
    stage.hovered = now ? stage.boxAt(now) : null;
    stage.element.style.cursor = drawing ? stage.cursorAt(now, kind) : "";
    stage.redrawTop();
  }

  begin(point, event) {
    const { stage, editor } = this;
    const pans = event.button === 1 || this.space;
    if (!stage.size) return null;
    const selected = stage.active;
    if (!pans && editor.editable && selected && !event.shiftKey) {
      const handle = stage.handleAt(point, event.pointerType);
      if (handle !== null) return this.resizing(selected, HANDLES[handle], point);
      if (stage.isInside(selected, point)) return this.moving(selected, point);
    }
    if (pans || editor.pans || !editor.editable) return this.panning(point, event.button === 0 && !this.space);
    return this.drawing(point, event.pointerType);
  }

  // The middle button, the space bar and the mode pan; a click with the mode selects.
  panning(start, selects) {
    let last = start;
    return {
      move: (now) => {
        this.stage.pan(now[0] - last[0], now[1] - last[1]);
        last = now;
      },
      end: (now) => selects && distance(start, now) < MIN_DRAG && this.editor.select(this.stage.boxAt(now)),
    };
  }

  drawing(start, kind) {
    const { stage, editor } = this;
    const corner = stage.onPhoto(start);
    const least = Math.max(MIN_DRAG, PASSING[kind] ?? 0);
    const between = (now) => within([...corner, ...stage.onPhoto(now)], stage.size);
    return {
      move: (now) => {
        const drags = distance(start, now) >= least;
        stage.drawn = drags ? editor.viewOf(editor.newBox(between(now))) : null;
      },
      end: (now) => {
        stage.drawn = null;
        if (distance(start, now) < least) editor.select(stage.boxAt(now));
        else editor.add(between(now));
      },
      cancel: () => (stage.drawn = null),
    };
  }

  moving(view, start) {
    const { stage, editor } = this;
    const box = cornersOf(view);
    const at = (now) => {
      const shift = now.map((value, axis) => (value - start[axis]) / stage.scale);
      return movedBy(box, ...shift, stage.size);
    };
    return this.changing(view, start, at, (now) => editor.select(stage.boxAt(now)));
  }

  resizing(view, [x, y], start) {
    const { stage } = this;
    const box = cornersOf(view);
    const at = (now) => {
      const shift = now.map((value, axis) => (value - start[axis]) / stage.scale);
      const changed = [...box];
      if (x !== 0.5) changed[x ? 2 : 0] += shift[0];
      if (y !== 0.5) changed[y ? 3 : 1] += shift[1];
      return within(changed, stage.size);
    };
    return this.changing(view, start, at, () => {});
  }

  // Show the selected box at another place; the end of the gesture changes the label.
  changing(view, start, at, click) {
    const { editor } = this;
    const before = cornersOf(view);
    let moved = false;
    return {
      move: (now) => {
        moved ||= distance(start, now) >= MIN_DRAG / 2;
        if (moved) placeView(view, at(now));
      },
      end: (now) => {
        placeView(view, before);
        if (moved) editor.place(view, at(now));
        else click(now);
      },
      cancel: () => placeView(view, before),
    };
  }

  // The wheel zooms while the visitor works with the editor; else it scrolls the page.
  turn(event) {
    const { stage, editor } = this;
    const pixels = event.deltaY * (event.deltaMode ? 16 : 1);
    const scrolls = stage.zoom === 1 && pixels > 0;
    if (!event.ctrlKey && (!editor.focused || scrolls)) return;
    event.preventDefault();
    stage.zoomBy(Math.exp(-pixels * WHEEL_SPEED * (event.ctrlKey ? 4 : 1)), pointIn(stage.element, event));
    editor.zoomed();
  }
}

function distance(one, other) {
  return Math.hypot(one[0] - other[0], one[1] - other[1]);
}

function cornersOf({ x1, y1, x2, y2 }) {
  return [x1, y1, x2, y2];
}

function placeView(view, [x1, y1, x2, y2]) {
  Object.assign(view, { x1, y1, x2, y2 });
}
