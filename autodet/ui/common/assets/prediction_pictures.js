// Hands the addresses of sharp pictures, by photo, to predictions.js: a component of its own, so that a step in the
// viewer does not send all boxes again.

export default function ({ data }) {
  globalThis.autodet_pictures = data;
  dispatchEvent(new Event("autodet_pictures"));
}
