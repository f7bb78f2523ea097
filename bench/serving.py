#!/usr/bin/env python3
"""Times a server of OpenAI's /v1/completions: tokens a second and the time to the first token, of several clients at once.

    serving.py URL MODEL [--clients 1,8,32] [--requests 4] [--tokens 64] [--shared]

Prompts are 16 to 512 ids of a fixed draw; with --shared all begin with the same 256 ids. Every client sends its requests one after the other, as streams.
"""
import argparse, http.client, json, random, threading, time, urllib.parse


def ask(url, model, ids, tokens):
    """Sends one prompt; returns when the first piece came, when the last, and how many pieces."""
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=600)
    body = json.dumps({"model": model, "prompt": ids, "max_tokens": tokens, "temperature": 0, "stream": True, "ignore_eos": True,
                       "stream_options": {"include_usage": True}})
    start = time.perf_counter()
    connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    if reply.status != 200:
        raise SystemExit(f"serving: {reply.status} {reply.read()[:300]}")
    first, made = None, 0
    for line in reply:
        if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
            continue
        event = json.loads(line[6:])
        if event.get("choices") and first is None:
            first = time.perf_counter() - start
        if event.get("usage"):
            made = event["usage"]["completion_tokens"]
    return first, made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url"), parser.add_argument("model")
    parser.add_argument("--clients", default="1,8,32")
    parser.add_argument("--requests", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--shared", action="store_true")
    asked = parser.parse_args()
    url = urllib.parse.urlparse(asked.url)
    for clients in map(int, asked.clients.split(",")):
        draw = random.Random(clients)
        begin = [draw.randrange(300, 30000) for _ in range(256)] if asked.shared else []
        prompts = [[begin + [draw.randrange(300, 30000) for _ in range(draw.choice([16, 64, 128, 256] if asked.shared else [16, 64, 128, 256, 512]))]
                    for _ in range(asked.requests)] for _ in range(clients)]
        results, gate = [], threading.Barrier(clients + 1)

        def run(own):
            gate.wait()
            for ids in own:
                results.append(ask(url, asked.model, ids, asked.tokens) + (len(ids),))

        threads = [threading.Thread(target=run, args=(own,)) for own in prompts]
        for thread in threads:
            thread.start()
        gate.wait()
        start = time.perf_counter()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - start
        firsts = sorted(first for first, _, _ in results)
        made, read = sum(made for _, made, _ in results), sum(length for _, _, length in results)
        print(f"{clients:3} clients: {made / seconds:7.1f} tokens/s made, {(made + read) / seconds:7.1f} read and made; first token "
              f"{firsts[len(firsts) // 2] * 1e3:6.0f} ms median, {firsts[min(len(firsts) - 1, int(len(firsts) * 0.99))] * 1e3:6.0f} ms at 99 %", flush=True)


main()
