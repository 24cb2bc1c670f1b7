// The photo that this tab shows, as the address and a restarted server have to know it.

class Address {
  constructor(editor, { dataset, session }) {
    this.editor = editor;
    this.page = location.pathname;
    const last = window.autodetLastLabels; // of the editor that was here before: { dataset, session, file }
    window.autodetLastLabels = null;
    // The photo that was shown before a restart of the server, whose new session does not know it; else null.
    this.interrupted = last && last.dataset === dataset && last.session !== session ? last.file : null;
  }

  takeInterrupted() {
    const { interrupted } = this;
    this.interrupted = null;
    return interrupted;
  }

  close() {
    const { file, data } = this.editor;
    const { dataset, session } = data;
    if (location.pathname === this.page) window.autodetLastLabels = { dataset, session, file };
  }

  // Write only what the server is told in the same moment: it takes another photo in the address for that of a link.
  write() {
    const address = new URL(location.href);
    if (!address.searchParams.has("dataset")) return; // the visitor has left the page
    address.searchParams.set("photo", this.editor.file);
    if (address.href !== location.href) history.replaceState(history.state, "", address.href);
  }
}
