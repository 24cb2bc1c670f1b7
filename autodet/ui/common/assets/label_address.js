// The photo that this tab shows, for the address and a restarted server; and its labels across such a restart.

const REDRAW_MILLISECONDS = 30000; // in which the session of a restarted server draws the editor again

class Address {
  constructor(editor, { dataset, session }) {
    this.editor = editor;
    const last = window.autodetLastLabels; // of the editor that was here before, as ``close`` notes it
    window.autodetLastLabels = null;
    const isRecent = last?.dataset === dataset && Date.now() - last.time < REDRAW_MILLISECONDS;
    // The photo that was shown before a restart of the server, whose new session does not know it; else null.
    this.interrupted = isRecent && !(last.session === session && last.told) ? last.file : null;
    this.known = isRecent ? last.known : new Map(); // labels by file, with their undo steps
  }

  takeInterrupted() {
    const { interrupted } = this;
    this.interrupted = null;
    return interrupted;
  }

  close() {
    const { file, data, known } = this.editor;
    const { dataset, session } = data;
    const told = data.shown === file; // a new session may draw the page twice before it gets a message
    window.autodetLastLabels = { dataset, session, file, told, known, time: Date.now() };
  }

  // Write only what the server is told in the same moment: it takes another photo in the address for that of a link.
  write() {
    const address = new URL(location.href);
    if (!address.searchParams.has("dataset")) return; // the visitor has left the page
    address.searchParams.set("photo", this.editor.file);
    if (address.href !== location.href) history.replaceState(history.state, "", address.href);
  }
}
