#!/usr/bin/env python3
"""Cuts the schemas that the server's tests need out of OpenAI's published OpenAPI document (MIT, https://github.com/openai/openai-openapi).

Usage: openai_schemas.py GITDIR OUT.json    GITDIR is a clone's git directory; its newest commit is read and named in the file.
What is changed: descriptions, examples, extensions and words of older drafts are left out; references point into the file; `nullable`, a word of the older OpenAPI 3.0, is said as JSON Schema
says it; what `ALSO` names; `oneOf` is `anyOf`, since alternatives of the document overlap (a message of the input is two of them at once).
"""
import json
import subprocess
import sys

ROOTS = [
    "CreateChatCompletionRequest", "CreateChatCompletionResponse", "CreateChatCompletionStreamResponse", "CreateCompletionRequest", "CreateCompletionResponse",
    "CreateEmbeddingRequest", "CreateEmbeddingResponse", "CreateResponse", "ErrorResponse", "ListModelsResponse", "Model", "Response", "ResponseItemList",
    "ResponseStreamEvent", "TokenCountsResource",
]
# What the document forgets and its own examples or the texts beside its fields have: nulls of what is not known yet, and vectors as texts of base 64.
NULL = {"type": "null"}
ALSO = [
    (["Response", "allOf", 2, "properties", "usage"], NULL), (["ModelResponseProperties", "properties", "user"], NULL),
    (["CreateCompletionResponse", "properties", "usage"], NULL),
    (["CreateCompletionResponse", "properties", "choices", "items", "properties", "finish_reason"], NULL),
    (["Embedding", "properties", "embedding"], {"type": "string"}),
]
LEFT_OUT = {"description", "example", "examples", "title", "default", "deprecated", "discriminator", "nullable", "$recursiveAnchor", "$recursiveRef"}


def plain(node):
    if isinstance(node, list):
        return [plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    # Names of properties are no keywords.
    kept = {name: {key: plain(one) for key, one in value.items()} if name == "properties" else plain(value)
            for name, value in node.items() if name not in LEFT_OUT and not name.startswith("x-")}
    if "$ref" in kept:
        kept["$ref"] = kept["$ref"].replace("#/components/schemas/", "#/$defs/")
    if "oneOf" in kept:
        kept["anyOf"] = kept.pop("oneOf") + kept.get("anyOf", [])
    return {"anyOf": [kept, {"type": "null"}]} if node.get("nullable") is True else kept


def references(node, found):
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        if isinstance(value, str) and value.startswith("#/$defs/"):
            found.add(value.removeprefix("#/$defs/"))
        references(value, found)
    return found


def main():
    git, out = ["git", f"--git-dir={sys.argv[1]}"], sys.argv[2]
    commit = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
    schemas = json.loads(subprocess.check_output([*git, "show", f"{commit}:openapi.json"]))["components"]["schemas"]
    cut, waiting = {}, list(ROOTS)
    while waiting:
        name = waiting.pop()
        if name not in cut:
            cut[name] = plain(schemas[name])
            waiting += references(cut[name], set())
    for path, alternative in ALSO:
        place = cut
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = {"anyOf": [place[path[-1]], alternative]}
    document = {"source": "https://github.com/openai/openai-openapi, openapi.json", "commit": commit, "licence": "MIT, see NOTICE",
                "$defs": {name: cut[name] for name in sorted(cut)}}
    with open(out, "w", encoding="utf-8") as file:
        file.write(json.dumps(document, separators=(",", ":"), ensure_ascii=False).replace('},"', '},\n"') + "\n")


main()
