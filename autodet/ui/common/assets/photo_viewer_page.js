// The photo viewer as a component. Streamlit calls the default export again whenever its data changes.

const viewers = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".viewer");
  if (!viewers.has(root)) viewers.set(root, new Viewer(root, data));
  const viewer = viewers.get(root);
  viewer.send = (place) => setStateValue("shown", { identity: viewer.data.identity, place });
  viewer.update(data);
  return () => {
    viewer.close();
    viewers.delete(root);
  };
}
