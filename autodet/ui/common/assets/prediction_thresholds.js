// Thresholds of the predictions. prediction_tiles.js and predictions.js follow in the same script.

const LOWEST = 0.05; // of the sliders
const HIGHEST = 0.95;

function rangeText(numbers) {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)].map((number) => number.toFixed(2));
  return least === most ? least : `${least}–${most}`;
}

// Thresholds of each model by class: those that were set one by one, moved by a common amount.
class Thresholds {
  constructor(own, begun = own) {
    this.own = own;
    this.base = begun.map((row) => [...row]);
    this.moved = 0;
  }

  reset() {
    Object.assign(this, new Thresholds(this.own));
  }

  get changed() {
    return JSON.stringify(this.values) !== JSON.stringify(this.own);
  }

  // Of each model and class; null where the model does not know the class.
  get values() {
    if (!this.moved) return this.base;
    const move = (value) => (value === null ? null : Number(clamp(value + this.moved, LOWEST, HIGHEST).toFixed(4)));
    return this.base.map((row) => row.map(move));
  }

  set(side, index, value) {
    this.base = this.values.map((row) => [...row]);
    this.moved = 0;
    this.base[side][index] = value;
  }

  // How far the common slider goes: until every threshold is at an end.
  get reach() {
    const known = this.base.flat().filter((value) => value !== null);
    return [Math.ceil((LOWEST - Math.max(...known)) * 100), Math.floor((HIGHEST - Math.min(...known)) * 100)];
  }
}
