// The texts of the label editor and the states of its buttons.

const HINT_MILLISECONDS = 5000;
const SAVED_TEXTS = {
  saved: "Saved",
  saving: "Saving …",
  unsent: "Not saved: no connection. Your changes are kept in this browser.",
  silent: "No connection",
  conflict: "Not saved: changed by another tab or person.",
  unnamed: "A box needs a class",
};
const FULL_TEXT = "Not saved: no connection. Keep this tab open: this browser can keep no changes.";
const HINTS = {
  draw: "Drag to draw a box; click a box to change it. Enter: next photo. ?: all keys.",
  pan: "Drag to move the photo; click a box to select it. M: draw again.",
  box: "Drag the box or its handles; 1 to 9 change its class. Enter leaves it, Enter again goes on.",
  proposal: "Enter accepts the proposal, Delete rejects it, a change accepts it too.",
  unnamed: "Write the name of its class, then press Enter.",
  viewer: "You can look at the labels. Only editors change them.",
};

class Panels {
  constructor(editor) {
    this.editor = editor;
    this.find = editor.find;
    this.find(".least input").oninput = () => this.showProposals();
  }

  close() {
    clearTimeout(this.hinting);
  }

  show() {
    this.showPlace();
    this.showAbout();
    this.showHint();
    this.showTools();
    this.showProposals();
    this.showSaved();
  }

  showPlace() {
    const { data, file, files, labels } = this.editor;
    const place = data.place + files.indexOf(file) - files.indexOf(data.shown);
    this.find(".place").textContent = `${(place + 1).toLocaleString("en")} of ${data.count.toLocaleString("en")}`;
    this.find(".steps .name").textContent = this.find(".steps .name").title = harmless(file);
    this.find(".condition").textContent = labels ? CONDITION_TITLES[labels.condition] : "";
    this.find(".condition").dataset.condition = labels?.condition ?? "";
  }

  // Why the photo is shown, who changed it, and what looks wrong.
  showAbout() {
    const { photo } = this.editor;
    const { author, time } = photo;
    const when = time && new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    this.find(".reason").textContent = photo.reason ?? "";
    this.find(".author").textContent = author ? `Last changed by ${harmless(author)}, ${when}.` : "";
    const { issues, editable } = this.editor;
    const shown = JSON.stringify([issues, editable]);
    if (shown === this.shown) return; // a press that is under way keeps its button
    this.shown = shown;
    this.find(".issues").replaceChildren(...issues.flatMap((issue) => this.issueButtons(issue)));
  }

  issueButtons(issue) {
    const [x1, y1, x2, y2] = issue.box;
    const look = this.button(issue.text, () => this.editor.look({ x1, y1, x2, y2 }));
    if (issue.kind !== "missing" || !this.editor.editable) return [look];
    const add = this.button("Add it", () => this.editor.addMissing(issue));
    add.ariaLabel = `Add it: ${harmless(issue.class)}`;
    return [look, add];
  }

  button(text, click) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = harmless(text);
    button.onclick = click;
    return button;
  }

  showHint() {
    if (!this.hinting) this.find(".hint").textContent = HINTS[this.hintKey];
  }

  get hintKey() {
    const { data, unnamed, selected, pans } = this.editor;
    if (!data.editable) return "viewer";
    if (selected) return isProposal(selected) ? "proposal" : "box";
    if (unnamed) return "unnamed";
    return pans ? "pan" : "draw";
  }

  // Show a sentence for some seconds.
  hint(text) {
    this.find(".hint").textContent = text;
    clearTimeout(this.hinting);
    this.hinting = setTimeout(() => {
      this.hinting = 0;
      this.showHint();
    }, HINT_MILLISECONDS);
  }

  showTools() {
    const { editor } = this;
    const { off, on } = this;
    for (const button of editor.root.querySelectorAll("[data-action]")) {
      const { action } = button.dataset;
      button.ariaDisabled = String(Boolean(off[action]) || (CHANGES.has(action) && !editor.editable));
      button.hidden = CHANGES.has(action) && !editor.data.editable; // viewers get no tools that change labels
      if (action in on) button.ariaPressed = String(Boolean(on[action]));
    }
    this.find("[data-action=nextFlagged]").hidden = !editor.data.next.flagged;
    this.find("[data-action=mode]").lastChild.textContent = editor.pans ? "Move view" : "Draw";
  }

  // Actions that are impossible now.
  get off() {
    const { data, file, files, labels, selected, unnamed, before } = this.editor;
    const at = files.indexOf(file);
    const other = (name) => !name || name === file;
    return {
      previous: at <= 0,
      next: at < 0 || at === files.length - 1,
      nextUnlabelled: other(data.next.unlabelled),
      nextFlagged: other(data.next.flagged),
      remove: !selected && !unnamed,
      difficult: !selected,
      truncated: !selected,
      undo: !labels?.past.length,
      redo: !labels?.future.length,
      copy: !before?.boxes.length,
      none: Boolean(unnamed) || labels?.boxes.some((box) => !isProposal(box)),
    };
  }

  // Buttons that are pressed now.
  get on() {
    const { labels, selected, stage, pans, root } = this.editor;
    return {
      mode: pans,
      names: stage.labels,
      window: root.matches(":popover-open"),
      flag: labels?.state.flagged,
      none: labels?.condition === "empty",
      difficult: selected?.difficult,
      truncated: selected?.truncated,
    };
  }

  showProposals() {
    const proposals = this.editor.labels?.boxes.filter(isProposal) ?? [];
    const least = this.find(".least input").valueAsNumber;
    const above = proposals.filter((box) => box.score >= least).length;
    this.find(".proposals").hidden = !proposals.length;
    this.find(".proposals .count").textContent = proposals.length === 1 ? "1 proposal" : `${proposals.length} proposals`;
    this.find(".least output").textContent = least.toFixed(2);
    this.find("[data-action=acceptAbove]").textContent = `Accept ${above} from ${least.toFixed(2)} on`;
  }

  showSaved() {
    const { outbox, conflict, unnamed } = this.editor;
    const { condition } = outbox;
    const refused = condition === "refused" && `Not saved: ${harmless(outbox.problem)}`;
    const text = refused || (outbox.full && condition === "unsent" ? FULL_TEXT : SAVED_TEXTS[condition]);
    const saved = this.find(".saved");
    if (saved.textContent !== text) saved.textContent = text;
    saved.dataset.condition = condition;
    this.find(".drop").hidden = condition !== "refused";
    const elsewhere = (condition === "conflict" && !conflict.entry) || (condition === "unnamed" && !unnamed);
    this.find(".settle").hidden = !elsewhere;
  }
}
