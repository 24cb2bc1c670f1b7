// Writes the current selections into the URL, and copies the URL on request.

const SHOWN_MILLISECONDS = 2000;

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // The Clipboard API needs HTTPS or localhost.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}

export default function (component) {
  const { data, parentElement } = component;
  const address = new URL(window.location.href);
  data.keys.forEach((key) => address.searchParams.delete(key));
  Object.entries(data.chosen).forEach(([key, value]) => address.searchParams.set(key, value));
  const isHere = address.pathname.split("/").pop() === data.page; // the visitor may have left the page
  if (isHere && address.href !== window.location.href) {
    window.history.replaceState(window.history.state, "", address.href);
  }
  const label = parentElement.querySelector("span");
  parentElement.querySelector("button").onclick = async () => {
    await copy(window.location.href);
    label.textContent = "Copied";
    setTimeout(() => { label.textContent = "Copy link"; }, SHOWN_MILLISECONDS);
  };
}
