// Hands some photos with their boxes to predictions.js, by the digest of this part. Streamlit sends a message that the
// browser has already as a reference, so while photos are predicted, only the part that grows is sent.

const PARTS = "autodet_predictions"; // event, and global variable: the photos of each part by its digest
const digests = new WeakMap(); // by element

export default function ({ data, parentElement }) {
  const parts = (globalThis[PARTS] ??= new Map());
  const forget = () => parts.delete(digests.get(parentElement));
  forget();
  digests.set(parentElement, data.digest);
  parts.set(data.digest, data.photos);
  dispatchEvent(new Event(PARTS));
  return forget;
}
