// Scrolls to the component when the number of openings grows, after the visitor has opened something below.

const seen = new WeakMap();

export default function (component) {
  const { data, parentElement } = component;
  const before = seen.get(parentElement);
  seen.set(parentElement, data.openings);
  if (data.openings > (before ?? 0)) {
    const place = parentElement.host ?? parentElement;
    place.style.scrollMarginTop = "5rem"; // below the header, which stays on top
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    place.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  }
}
