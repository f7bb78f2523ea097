#!/usr/bin/env python3
"""Wears out a server of OpenAI's /v1/completions: many clients that stream, read slowly, leave in the middle, send what is no request, or too much.

    soak.py URL MODEL [--requests 10000] [--clients 200] [--pid PID]

Fails where a status is not that of its request, a text differs from another one of the same seed, or from the same request alone afterwards. With --pid the
memory of that process is told eight times.
"""
import argparse, collections, http.client, json, random, sys, threading, time, urllib.parse

TOKENS, SEEDS, TOO_LONG = 24, 400, 9000
BROKEN = ['{"model":', "[]", '{"model":"%s","prompt":5}', '{"model":"%s","prompt":"a","max_tokens":-1}']
EXPECTED = {"stream": 200, "whole": 200, "abort": 200, "slow": 200, "broken": 400, "long": 400}


class Soak:
    def __init__(self, asked):
        self.asked, self.url = asked, urllib.parse.urlparse(asked.url)
        self.lock, self.left, self.replies, self.texts, self.faults = threading.Lock(), asked.requests, collections.Counter(), {}, []

    def body(self, seed, streams):
        draw = random.Random(seed)
        return {"model": self.asked.model, "prompt": [draw.randrange(300, 30000) for _ in range(draw.choice([4, 16, 64]))], "max_tokens": TOKENS,
                "temperature": 0.8, "seed": seed, "stream": streams, "ignore_eos": True}

    def send(self, body):
        connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=300)
        connection.request("POST", "/v1/completions", body if isinstance(body, str) else json.dumps(body), {"Content-Type": "application/json"})
        return connection, connection.getresponse()

    def whole(self, seed):
        _, reply = self.send(self.body(seed, streams=False))
        return reply.status, json.loads(reply.read())["choices"][0]["text"]

    def streamed(self, seed, pause):
        _, reply = self.send(self.body(seed, streams=True))
        text = ""
        for line in reply:
            time.sleep(pause)
            if line.startswith(b"data: {"):
                text += "".join(choice["text"] for choice in json.loads(line[6:])["choices"])
        return reply.status, text

    def one(self, kind, draw):
        if kind in ("broken", "long"):
            broken = draw.choice(BROKEN)
            body = {**self.body(1, streams=False), "prompt": [400] * TOO_LONG} if kind == "long" else broken % self.asked.model if "%" in broken else broken
            _, reply = self.send(body)
            reply.read()
            return reply.status
        seed = draw.randrange(SEEDS)
        if kind == "abort":
            connection, reply = self.send(self.body(seed, streams=True))
            reply.read(draw.choice([1, 200]))
            connection.close()
            return reply.status
        status, text = self.whole(seed) if kind == "whole" else self.streamed(seed, 0.02 if kind == "slow" else 0)
        with self.lock:
            if self.texts.setdefault(seed, text) != text:
                self.faults.append(f"two texts of seed {seed}")
        return status

    def client(self, number):
        draw = random.Random(number)
        while True:
            with self.lock:
                if self.left == 0:
                    return
                self.left -= 1
                done = self.asked.requests - self.left
            if self.asked.pid and done % max(1, self.asked.requests // 8) == 0:
                with open(f"/proc/{self.asked.pid}/status") as status:
                    print(f"{done:7} requests, {next(line for line in status if line.startswith('VmRSS')).split()[1]} kB", flush=True)
            kind = draw.choices(list(EXPECTED), [4, 4, 2, 1, 1, 1])[0]
            try:
                status = self.one(kind, draw)
            except Exception as error:
                status = type(error).__name__
            with self.lock:
                self.replies[kind, status] += 1
                if status != EXPECTED[kind]:
                    self.faults.append(f"{kind}: {status}")

    def run(self):
        start = time.time()
        threads = [threading.Thread(target=self.client, args=(number,)) for number in range(self.asked.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.time() - start
        self.faults += [f"seed {seed} alone has another text" for seed, text in sorted(self.texts.items()) if self.whole(seed)[1] != text]
        for (kind, status), count in sorted(self.replies.items(), key=str):
            print(f"{kind:8} {status}: {count}")
        print(f"{self.asked.requests} requests in {seconds:.0f} s, {len(self.texts)} texts, {len(self.faults)} faults {self.faults[:5]}")
        return 1 if self.faults else 0


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("url"), parser.add_argument("model")
parser.add_argument("--requests", type=int, default=10000)
parser.add_argument("--clients", type=int, default=200)
parser.add_argument("--pid", type=int)
sys.exit(Soak(parser.parse_args()).run())
