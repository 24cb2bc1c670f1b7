"""Programs that use the API of this server, to copy; tests run them as they are written."""

from collections.abc import Callable, Mapping
from urllib.parse import quote

PHOTO = "photo.jpg"
VARIABLE = "AUTODET_TOKEN"


def _curl(url: str, *, token: bool) -> str:
    header = f' \\\n  -H "Authorization: Bearer ${VARIABLE}"' if token else ""
    return f"""curl -F image=@{PHOTO}{header} \\
  "{url}"
curl -F image=@{PHOTO}{header} \\
  -o boxes.jpg "{url}?format=image\""""


def _python(url: str, *, token: bool) -> str:
    imports = "import os\n\nimport requests" if token else "import requests"
    header = f'\nheaders = {{"Authorization": f"Bearer {{os.environ[\'{VARIABLE}\']}}"}}' if token else ""
    argument = ", headers=headers" if token else ""
    return f"""{imports}

url = "{url}"{header}
with open("{PHOTO}", "rb") as photo:
    answer = requests.post(url, files={{"image": photo}}{argument}, timeout=60)
answer.raise_for_status()
for found in answer.json()["detections"]:
    print(found["class"], found["score"], found["box"])"""


def _javascript(url: str, *, token: bool) -> str:
    header = f", Authorization: `Bearer ${{process.env.{VARIABLE}}}`" if token else ""
    return f"""import {{ readFile }} from "node:fs/promises";

const answer = await fetch("{url}", {{
  method: "POST",
  headers: {{ "Content-Type": "image/jpeg"{header} }},
  body: await readFile("{PHOTO}"),
}});
const prediction = await answer.json();
if (!answer.ok) throw new Error(prediction.error);
for (const found of prediction.detections) console.log(found.class, found.score, found.box);"""


PROGRAMS: Mapping[str, Callable[..., str]] = {"bash": _curl, "python": _python, "javascript": _javascript}


def program(language: str, address: str, model_id: str, *, token: bool) -> str:
    """Return a program that sends a photo and prints the detections.

    Args:
        language: A key of ``PROGRAMS``: ``bash`` with curl, ``python``, or ``javascript`` for Node.js.
        address: Address of the server, without a slash at its end.
        model_id: Id of the model.
        token: Whether the server wants a token, which the program reads from the variable ``AUTODET_TOKEN``.
    """
    return PROGRAMS[language](f"{address}/api/models/{quote(model_id)}/predict", token=token)
