// Changes that the server has not stored yet. Each is kept in this browser until then, so that a closed tab, a reload
// or a killed server loses nothing. One message is under way at a time and carries all of them.

const SEND_MILLISECONDS = 250; // after the last change
const RETRY_MILLISECONDS = 3000; // without an answer
const LOOK_MILLISECONDS = 10000; // after which a visible tab asks for changes of others
const MAX_SENT = 50; // states sent without an answer, by which this browser's own change is recognized

class Outbox {
  constructor(dataset, changed) {
    this.prefix = `autodet labels ${serverAddress("")} ${dataset} `;
    this.changed = changed; // called after each change of the outbox
    this.tab = Math.random().toString(36).slice(2);
    this.number = 0;
    this.waiting = null; // number of the message under way
    this.full = false; // whether this browser can keep no more
    this.silent = false; // whether the server has not answered in time
    this.photos = new Map(); // by file: { state, revision, sent, sending, theirs, problem }
    this.classes = new Map(); // by name: the sentence with which it was refused, or ""
    this.unnamed = new Map(); // by file: place of a box that waits for its class, and is not sent until then
    this.read();
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.retry);
    clearInterval(this.looks);
  }

  // ---- What is kept in this browser

  read() {
    try {
      for (const key of Object.keys(localStorage).filter((name) => name.startsWith(this.prefix))) {
        const [kind, name] = JSON.parse(key.slice(this.prefix.length));
        const kept = JSON.parse(localStorage.getItem(key));
        if (kind === "class") this.classes.set(name, "");
        else if (kind === "unnamed") this.unnamed.set(name, kept);
        else if (Array.isArray(kept?.state?.boxes)) this.photos.set(name, { ...kept, theirs: null, problem: "" });
      }
    } catch {
      this.full = true; // storage is switched off, or holds what this version cannot read
    }
  }

  keep(kind, name, value) {
    const key = this.prefix + JSON.stringify([kind, name]);
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify(value));
      this.full = false;
    } catch {
      this.full = value !== null;
    }
  }

  keepPhoto(file) {
    const { state, revision, sent } = this.photos.get(file);
    this.keep("photo", file, { state, revision, sent });
  }

  forget(file) {
    this.photos.delete(file);
    this.keep("photo", file, null);
  }

  // ---- Changes

  put(file, state, revision) {
    const before = this.photos.get(file);
    const { sent, sending } = before ?? { sent: [] };
    this.photos.set(file, { state, revision: before?.revision ?? revision, sent, sending, theirs: null, problem: "" });
    this.keepPhoto(file);
    this.later();
  }

  putClass(name) {
    this.classes.set(name, "");
    this.keep("class", name, true);
    this.later();
  }

  putUnnamed(file, box) {
    if (box) this.unnamed.set(file, box);
    else this.unnamed.delete(file);
    this.keep("unnamed", file, box);
  }

  // Answer a conflict: keep a state on top of the other person's, or take theirs.
  settle(file, state) {
    const { theirs } = this.photos.get(file);
    this.forget(file);
    if (state) this.put(file, state, theirs.revision);
    this.changed();
  }

  get conflicts() {
    return [...this.photos].filter(([, entry]) => entry.theirs).map(([file]) => file);
  }

  get problem() {
    return [...[...this.photos.values()].map((entry) => entry.problem), ...this.classes.values()].find(Boolean) ?? "";
  }

  // A key of SAVED_TEXTS, or "refused".
  get condition() {
    if (this.conflicts.length) return "conflict";
    if (this.problem) return "refused";
    if (this.photos.size || this.classes.size) return this.silent ? "unsent" : "saving";
    if (this.silent) return "silent";
    return this.unnamed.size ? "unnamed" : "saved";
  }

  // ---- Messages

  later(milliseconds = SEND_MILLISECONDS) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), milliseconds);
    this.changed();
  }

  // Send what is unstored, with what the editor tells of the view; wait if a message is under way.
  send() {
    clearTimeout(this.timer);
    if (this.waiting !== null) {
      this.again = true;
      return;
    }
    this.again = false;
    this.waiting = this.number += 1;
    const photos = [];
    for (const [file, entry] of this.photos) {
      if (entry.theirs || entry.problem) continue;
      entry.sending = contentOf(entry.state);
      entry.sent = [...entry.sent, entry.sending].slice(-MAX_SENT);
      this.keepPhoto(file);
      photos.push({ dataset: this.dataset, file, revision: entry.revision, ...entry.state });
    }
    const classes = [...this.classes].filter(([, problem]) => !problem).map(([name]) => name);
    this.tell({ tab: this.tab, number: this.number, photos, classes, ...this.view() });
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.repeat(), RETRY_MILLISECONDS);
  }

  repeat() {
    this.silent = true;
    this.waiting = null;
    this.send();
    this.changed();
  }

  // Take an answer of the server.
  answer(answer) {
    if (answer?.tab !== this.tab || answer.number !== this.waiting) return;
    clearTimeout(this.retry);
    this.waiting = null;
    this.silent = false;
    Object.entries(answer.classes).forEach(([name, result]) => this.answerClass(name, result));
    Object.entries(answer.photos).forEach(([file, result]) => this.answerPhoto(file, result));
    const open = [...this.photos.values()].some((entry) => !entry.theirs && !entry.problem);
    if (this.again || open || [...this.classes.values()].includes("")) this.later(this.again ? 0 : SEND_MILLISECONDS);
    this.changed();
  }

  answerClass(name, { refused }) {
    if (refused) {
      this.classes.set(name, refused);
    } else {
      this.classes.delete(name);
      this.keep("class", name, null);
    }
  }

  answerPhoto(file, { saved, conflict, refused }) {
    const entry = this.photos.get(file);
    if (!entry) return;
    const content = contentOf(entry.state);
    // A conflict with what this browser sent before, without getting the answer, is none.
    const own = conflict && entry.sent.includes(contentOf(conflict));
    entry.sent = [];
    const stored = saved !== undefined ? entry.sending : own ? contentOf(conflict) : null;
    if (stored !== null) {
      entry.revision = saved ?? conflict.revision;
      this.stored(file, entry.revision);
      if (stored === content) this.forget(file);
      else this.keepPhoto(file);
    } else if (conflict) {
      entry.theirs = conflict;
    } else {
      entry.problem = refused;
    }
  }

  // Give up what the server refused.
  drop() {
    [...this.photos].filter(([, entry]) => entry.problem).forEach(([file]) => this.forget(file));
    for (const [name, problem] of [...this.classes]) {
      if (problem) this.answerClass(name, {});
    }
    this.changed();
  }

  // Ask for changes of others from time to time, while the tab is visible and nothing is under way.
  look() {
    this.looks = setInterval(() => !document.hidden && this.waiting === null && this.send(), LOOK_MILLISECONDS);
  }
}
