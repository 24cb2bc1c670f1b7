// Hands the addresses of pictures to label_editor.js, and its wishes to the server: a component of its own, so that no
// change of labels waits for a photo to be decoded.

const PLACE = "autodet_label_pictures"; // event and global variable

export default function ({ data, setStateValue }) {
  const ask = (wanted) => setStateValue("wanted", wanted);
  globalThis[PLACE] = { ...data, ask };
  dispatchEvent(new Event(PLACE));
}
