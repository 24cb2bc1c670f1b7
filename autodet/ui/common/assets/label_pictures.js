// The pictures of the label editor: the server sends addresses of those that the browser asks for.

class Pictures {
  constructor(editor) {
    this.editor = editor;
    this.loaded = new Map(); // images by address
    this.last = {}; // file and image that was shown last
    this.whole = {}; // address and bitmap of the whole photo that was fetched last
  }

  // Give the stage the picture of the shown photo, and ask for those that are missing.
  show() {
    const { stage, file, data } = this.editor;
    const { address, error } = data.pictures.photos[file] ?? {};
    if (address) this.last = { file, image: this.image(address) };
    const picture = this.last.file === file ? this.last.image : null;
    if (stage.picture !== picture || stage.error !== (error ?? "")) stage.redraw();
    stage.picture = picture;
    stage.error = error ?? "";
    this.showSharp();
    this.ask();
  }

  // Give the stage the whole photo if it is zoomed so far.
  showSharp() {
    const { stage, file, data } = this.editor;
    const address = stage.needsSharp && data.pictures.whole[file]?.address;
    if (address && this.whole.address !== address) this.fetchWhole(address);
    const sharp = (address && this.whole.bitmap) || null;
    if (stage.sharp !== sharp) stage.redraw();
    stage.sharp = sharp;
  }

  // As a bitmap: an image element is decoded while a frame waits, a tenth of a second for a photo of 20 megapixels.
  async fetchWhole(address) {
    this.whole.bitmap?.close();
    const whole = { address, bitmap: null };
    this.whole = whole;
    try {
      const answer = await fetch(serverAddress(address));
      whole.bitmap = await createImageBitmap(await answer.blob());
    } catch {
      whole.address = null; // the next zoom tries again; until then the downscaled picture stays
      return;
    }
    if (this.whole === whole) this.showSharp();
    else whole.bitmap.close();
  }

  image(address) {
    const known = this.loaded.get(address);
    if (known && !(known.complete && !known.naturalWidth)) return known; // a failed one is fetched again
    const image = new Image();
    image.onload = image.onerror = () => this.editor.stage.redraw();
    image.src = serverAddress(address);
    this.loaded.set(address, image);
    if (this.loaded.size > 2 * MAX_PICTURES) this.loaded.delete(this.loaded.keys().next().value);
    return image;
  }

  // Pictures that are needed now and next, the most urgent first.
  get wanted() {
    const { files, file, data, stage } = this.editor;
    const at = files.indexOf(file);
    const near = [file, files[at + 1], files[at - 1], data.next.unlabelled, files[at + 2], data.next.flagged];
    const away = (name) => Math.abs(files.indexOf(name) - at);
    return {
      photos: [...new Set(near.filter(Boolean))],
      whole: stage.needsSharp ? [file] : [],
      thumbnails: files.toSorted((one, other) => away(one) - away(other)),
    };
  }

  ask() {
    const { outbox, data } = this.editor;
    const { wanted } = this;
    const isMissing = (kind) => wanted[kind].some((file) => !data.pictures[kind][file]);
    if (outbox.waiting === null && Object.keys(wanted).some(isMissing)) outbox.send();
    wanted.photos.map((file) => data.pictures.photos[file]?.address).forEach((address) => address && this.image(address));
  }

  // The view has been zoomed.
  zoomed() {
    const { stage, file, data, outbox } = this.editor;
    this.showSharp();
    if (stage.needsSharp && !data.pictures.whole[file] && outbox.waiting === null) outbox.send();
  }
}
