"""Minimal S3 server for downloads, so that a benchmark measures the client: moto serves only 29 MB/s."""

import hashlib
import os
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from urllib.parse import parse_qs, urlsplit

PAGE = 1000


def serve(pipe: Connection, objects: dict[str, int], in_parts: str) -> None:
    """Serve one bucket of random bytes until the process ends.

    Args:
        pipe: Receives the server's address.
        objects: Size in bytes of each object, by key, in listing order.
        in_parts: Key of the object that stands for a multipart upload of a large file: its ETag is no MD5.
    """
    contents = {key: os.urandom(size) for key, size in objects.items()}
    etags = {key: hashlib.md5(content, usedforsecurity=False).hexdigest() for key, content in contents.items()}
    etags[in_parts] += "-38"
    keys = list(contents)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            key = address.path.split("/", 2)[2] if address.path.count("/") > 1 else ""
            if key:
                self._give(key)
            else:
                self._list({name: values[0] for name, values in parse_qs(address.query).items()})

        do_HEAD = do_GET  # noqa: N815

        def _give(self, key: str) -> None:
            content, size = contents[key], len(contents[key])
            start, end = 0, size
            if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
                start, end = int(wanted[1]), min(int(wanted[2] or size) + 1, size)
            self.send_response(206 if wanted else 200)
            self.send_header("ETag", f'"{etags[key]}"')
            self.send_header("Content-Length", str(end - start))
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(memoryview(content)[start:end])

        def _list(self, query: dict[str, str]) -> None:
            begin = int(query.get("continuation-token", 0))
            items = "".join(
                f"<Contents><Key>{key}</Key><Size>{objects[key]}</Size><ETag>&quot;{etags[key]}&quot;</ETag></Contents>"
                for key in keys[begin : begin + PAGE]
                if key.startswith(query.get("prefix", ""))
            )
            end = begin + PAGE
            more = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < len(keys) else ""
            truncated = str(bool(more)).lower()
            body = f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{more}{items}</ListBucketResult>".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.request_queue_size = 128
    server.daemon_threads = True
    pipe.send(f"http://127.0.0.1:{server.server_port}")
    server.serve_forever()
