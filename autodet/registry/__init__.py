"""The model registry: models that several installations share, in a folder or below a prefix of a bucket.

    autodet-registry.json            format of the registry
    <name>/models/<sha256>.autodet   bundles, named by their SHA-256
    <name>/versions/<number>.json    the versions, from 1
    <name>/tags/<tag>/<number>.json  the moves of a tag, from 1; the last one is where the tag points

Every document is created once and never changed: two processes that want the same number cannot both create it. A
version is there as soon as its document is, which is written last. docs/registry.md describes the documents.
"""
