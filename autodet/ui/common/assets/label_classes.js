// The list of classes: choice by a click, a number or a search, which also adds classes.

const MAX_NAME = 200; // characters

// Control characters and those that turn text around are shown by their numbers.
function harmless(text) {
  const code = (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, code);
}

function spellingOf(name) {
  return name.replace(/\s+/g, "").toLocaleLowerCase();
}

function tooLongText(name) {
  return `A class name has up to ${MAX_NAME} characters, and this one has ${[...name].length}; shorten it.`;
}

class Classes {
  constructor(editor) {
    this.editor = editor;
    this.active = null; // name of the class of the next box
    this.input = editor.find(".find input");
    this.rows = editor.find(".classes");
    this.input.oninput = () => this.show();
    this.input.onkeydown = (event) => this.press(event);
    this.input.onfocus = () => this.show();
    this.input.onblur = () => setTimeout(() => this.show());
    this.rows.onmousedown = (event) => event.preventDefault(); // the focus stays, and with it the rows
    editor.find(".find button").onclick = () => this.take(this.typed || this.offers[0]);
    this.at = 0;
  }

  // All classes: those of the server, and those that it does not know yet.
  get names() {
    const known = this.editor.data.classes;
    return [...known, ...[...this.editor.outbox.classes.keys()].filter((name) => !known.includes(name))];
  }

  colour(name) {
    const { colours } = this.editor.data;
    const place = this.names.indexOf(name);
    return place < 0 ? "#6f7580" : colours[place % colours.length];
  }

  get chosen() {
    const { names } = this;
    return names.includes(this.active) ? this.active : (names[0] ?? null);
  }

  get typed() {
    return this.input.value.replace(/\s+/g, " ").trim();
  }

  // Classes that the search finds, those that begin with it first.
  get offers() {
    const wanted = spellingOf(this.typed);
    const found = this.names.filter((name) => spellingOf(name).includes(wanted));
    return found.sort((one, other) => spellingOf(other).startsWith(wanted) - spellingOf(one).startsWith(wanted));
  }

  get isNew() {
    return Boolean(this.typed) && !this.names.some((name) => spellingOf(name) === spellingOf(this.typed));
  }

  // ---- Choice

  number(number) {
    const name = this.names[number - 1];
    if (name === undefined || !this.editor.editable) return false;
    this.choose(name);
    return true;
  }

  find() {
    this.input.value = "";
    this.at = 0;
    this.input.focus();
    this.input.scrollIntoView({ block: "nearest" });
    this.show();
  }

  press(event) {
    event.stopPropagation();
    const many = this.rows.children.length;
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move && many) this.at = (this.at + move + many) % many;
    else if (event.key === "Enter") this.rows.children[this.at]?.click();
    else if (event.key === "Escape") this.giveUp();
    else return;
    event.preventDefault();
    this.show();
  }

  take(name) {
    if (!name || !this.editor.editable || [...name].length > MAX_NAME) return;
    const known = this.names.find((other) => spellingOf(other) === spellingOf(name));
    if (known === undefined) this.editor.outbox.putClass(name);
    this.choose(known ?? name);
    this.leave();
  }

  giveUp() {
    this.editor.dropUnnamed();
    this.leave();
  }

  choose(name) {
    this.active = name;
    this.editor.setClass(name);
  }

  leave() {
    const { root, stage } = this.editor;
    this.input.value = "";
    stage.element.focus({ preventScroll: true });
    const { top } = stage.element.getBoundingClientRect();
    if (top < 0) root.scrollIntoView({ block: "start" }); // the field is below the photo on a phone
    this.show();
  }

  // ---- What is shown

  show() {
    const { editor, names } = this;
    const counts = new Map();
    editor.labels?.boxes.forEach((box) => counts.set(box.class, (counts.get(box.class) ?? 0) + 1));
    const searches = editor.active === this.input;
    const offers = searches ? this.offers : names;
    this.input.disabled = !editor.editable;
    this.input.placeholder = names.length ? "Find or add a class" : "Name your first class";
    const current = editor.selected ? editor.selected.class : this.chosen;
    const { at, typed } = this;
    const shown = JSON.stringify([offers, names, [...counts], searches, at, typed, current, editor.editable]);
    if (shown === this.shown) return; // a press that is under way keeps its button
    this.shown = shown;
    const rows = offers.map((name) => this.row(name, names.indexOf(name), counts.get(name) ?? 0));
    if (searches && this.isNew) rows.push(this.newRow());
    this.at = clamp(this.at, 0, rows.length - 1);
    if (searches) rows[this.at]?.classList.add("at");
    const kept = this.rows.scrollTop;
    this.rows.replaceChildren(...rows);
    this.rows.scrollTop = kept;
    if (searches) rows[this.at]?.scrollIntoView({ block: "nearest" });
  }

  row(name, place, count) {
    const { editor } = this;
    const button = this.button(harmless(name));
    button.classList.add("class");
    const current = editor.selected ? editor.selected.class === name : this.chosen === name;
    button.ariaPressed = String(current);
    button.disabled = !editor.editable;
    const swatch = document.createElement("span");
    swatch.className = "dot";
    swatch.style.background = this.colour(name);
    const key = document.createElement("kbd");
    key.textContent = place < 9 ? place + 1 : "";
    const output = document.createElement("output");
    output.textContent = count || "";
    button.prepend(key, swatch);
    button.append(output);
    button.onclick = () => {
      if (editor.active === this.input || this.input.value || editor.unnamed) this.take(name);
      else this.choose(name);
    };
    return button;
  }

  newRow() {
    const { typed } = this;
    const tooLong = [...typed].length > MAX_NAME;
    const button = this.button(tooLong ? tooLongText(typed) : `Add “${harmless(typed)}”`);
    button.classList.add("class", "new");
    button.disabled = tooLong;
    button.onclick = () => this.take(typed);
    return button;
  }

  button(text) {
    const button = document.createElement("button");
    button.type = "button";
    const span = document.createElement("span");
    span.className = "text";
    span.textContent = span.title = text;
    button.append(span);
    return button;
  }
}
