// The filters, and the strip of thumbnails around the shown photo.

const CONDITION_TITLES = {
  unlabelled: "unlabelled",
  proposed: "proposals wait",
  labelled: "labelled",
  empty: "no objects",
};

class Strip {
  constructor(editor) {
    this.editor = editor;
    this.root = editor.find(".strip");
    this.filters = editor.find(".filters");
    this.tiles = new Map(); // by file
  }

  showFilters() {
    const { data, filter } = this.editor;
    const chips = data.filters.map(([key, title, count]) => {
      const kept = this.filters.querySelector(`[data-filter="${key}"]`);
      const chip = kept ?? document.createElement("button");
      chip.type = "button";
      chip.dataset.filter = key;
      chip.ariaPressed = String(key === filter);
      chip.textContent = `${title} ${count.toLocaleString("en")}`;
      chip.onclick = () => this.editor.choose(key);
      return chip;
    });
    if (this.filters.children.length !== chips.length) this.filters.replaceChildren(...chips);
  }

  show() {
    const { data, file } = this.editor;
    const kept = new Map();
    for (const [name, condition, look] of data.files) {
      const tile = this.tiles.get(name) ?? this.tile(name);
      this.mark(tile, name, condition, look);
      kept.set(name, tile);
    }
    const tiles = [...kept.values()];
    const same = tiles.length === this.root.children.length && tiles.every((tile, at) => this.root.children[at] === tile);
    if (!same) this.root.replaceChildren(...tiles);
    this.tiles = kept;
    const tile = kept.get(file);
    if (tile && this.centred !== file) {
      this.root.scrollLeft = tile.offsetLeft - (this.root.clientWidth - tile.offsetWidth) / 2;
      this.centred = file;
    }
  }

  tile(name) {
    const tile = document.createElement("button");
    tile.type = "button";
    tile.append(document.createElement("img"), document.createElement("span"));
    tile.firstChild.alt = "";
    tile.onclick = () => this.editor.open(name);
    return tile;
  }

  mark(tile, name, served, look) {
    const { editor } = this;
    const own = editor.known.get(name);
    const condition = own ? own.condition : served;
    const flagged = own ? own.state.flagged || (look && own.photo.issues.length > 0) : look;
    tile.dataset.condition = condition;
    tile.ariaCurrent = String(name === editor.file);
    tile.ariaLabel = `${harmless(name)}, ${CONDITION_TITLES[condition]}${flagged ? ", flagged" : ""}`;
    tile.title = tile.ariaLabel;
    tile.classList.toggle("flagged", Boolean(flagged));
    const address = editor.data.pictures.thumbnails[name]?.address;
    if (address && tile.dataset.address !== address) {
      tile.dataset.address = address;
      tile.firstChild.src = serverAddress(address);
    }
  }
}
