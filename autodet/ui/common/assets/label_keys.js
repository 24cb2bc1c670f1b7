// Keys of the label editor. They act while nothing else on the page has the focus, so that keys alone suffice.

class Keys {
  constructor(editor) {
    this.editor = editor;
    this.down = (event) => this.press(event);
    this.up = (event) => event.key === " " && this.hold(false);
    addEventListener("keydown", this.down, true); // before Streamlit's own shortcuts
    addEventListener("keyup", this.up, true);
    this.list();
  }

  close() {
    removeEventListener("keydown", this.down, true);
    removeEventListener("keyup", this.up, true);
  }

  list() {
    const rows = ACTIONS.map(({ keys, does }) => {
      const row = document.createElement("div");
      const [first, second] = [document.createElement("dt"), document.createElement("dd")];
      first.textContent = keys;
      second.textContent = does;
      row.append(first, second);
      return row;
    });
    this.editor.find("dialog.help dl").replaceChildren(...rows);
    this.editor.find("dialog.help .close").onclick = () => this.editor.find("dialog.help").close();
  }

  // Whether a key is meant for the editor: typed on the stage, on one of its buttons, or nowhere.
  isMeant(target) {
    const { editor } = this;
    if (editor.root.querySelector("dialog[open]") || editor.settling) return false;
    if (target.matches("body, section, main")) return !document.querySelector("[role=dialog]");
    return editor.root.contains(target) && target.tagName !== "INPUT" && !target.closest("[data-own-keys]");
  }

  press(event) {
    const [target] = event.composedPath();
    if (!(target instanceof Element) || !this.isMeant(target)) return;
    const onButton = target.tagName === "BUTTON" && ["Enter", " ", "Tab"].includes(event.key);
    if (onButton || !this.act(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  // Return whether the key did something.
  act(event) {
    const { editor } = this;
    const key = event.key.toLowerCase();
    if (key.startsWith("arrow") && editor.selected && editor.editable) return this.shift(event);
    if (event.ctrlKey || event.metaKey) {
      const name = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : "";
      return Boolean(name) && editor.act(name);
    }
    if (key === "tab") return this.walk(event.shiftKey ? -1 : 1);
    if (key === " ") return this.hold(true);
    if (event.altKey) return false;
    if (key >= "1" && key <= "9") return editor.classes.number(Number(key));
    const action = ACTIONS.find(({ press }) => press?.includes(key));
    if (action?.once && event.repeat) return true;
    return Boolean(action) && editor.act(action.name);
  }

  hold(space) {
    this.editor.pointers.space = space;
    return true;
  }

  // Select the next box; beyond the last one, Tab leaves the stage as usual.
  walk(by) {
    const { editor } = this;
    const { boxes } = editor.labels;
    if (editor.active !== editor.stage.element && editor.focused) return false;
    const from = boxes.indexOf(editor.selected);
    const to = from < 0 ? (by > 0 ? 0 : boxes.length - 1) : from + by;
    editor.selectBox(boxes[to] ?? null);
    return Boolean(boxes[to]);
  }

  shift(event) {
    const { editor } = this;
    const { stage, selected } = editor;
    const large = event.ctrlKey || event.metaKey; // macOS keeps Ctrl with arrows for itself
    const step = event.altKey ? 1 : Math.max(1, Math.round((large ? LARGE_STEP : STEP) / stage.scale));
    const across = { ArrowLeft: -step, ArrowRight: step }[event.key] ?? 0;
    const down = { ArrowUp: -step, ArrowDown: step }[event.key] ?? 0;
    const [x1, y1, x2, y2] = selected.box;
    const resized = [x1, y1, Math.max(x1 + MIN_SIDE, x2 + across), Math.max(y1 + MIN_SIDE, y2 + down)];
    const box = event.shiftKey ? within(resized, stage.size) : movedBy(selected.box, across, down, stage.size);
    const kind = event.shiftKey ? "resize" : "move";
    editor.replace(selected, { ...accepted(selected), box }, `${kind} ${editor.labels.boxes.indexOf(selected)}`);
    stage.follow();
    return true;
  }
}
