"""Puts requests that are over, of the last 30 days, into a database: `python3 seed.py DATABASE COUNT`."""

import json
import os
import random
import sqlite3
import sys
import time

USERS = [("ann", "pro", 9), ("bob", "free", 3), ("carol", "enterprise", 14), ("dave", "basic", 4), ("erin", "pro", 6)]
SOURCES = {
    "mermaid": "flowchart TD\n  A --> B\n",
    "graphviz": "digraph { a -> b }\n",
    "plantuml": "@startuml\na -> b\n@enduml\n",
    "d2": "a -> b\n",
}
TITLES = ["User login", "Order flow", "Payment retry", "Deployment", "Shop schema", "Support ticket", "Roadmap"]
MODELS = ["claude-sonnet-5-5", "claude-haiku-4-5"]
COMPLETED, FAILED, CANCELLED, EXPIRED = 2, 3, 4, 5
SPAN_MS = 30 * 86_400_000
FAILURE = json.dumps({"code": "refused", "message": "The model declined to draw this.", "retryable": False})


def main(path, count):
    random.seed(20261124)
    begun = time.time()
    now = int(begun * 1000)
    database = sqlite3.connect(path, timeout=30)
    for name, tier, _ in USERS:
        made = "INSERT INTO user (name, tier, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        database.execute(made, (name, tier, now - SPAN_MS))
    ids = dict(database.execute("SELECT name, id FROM user"))
    first = database.execute("SELECT coalesce(max(seq), 0) + 1 FROM job").fetchone()[0]
    jobs, bodies, results = [], [], []
    for place in range(count):
        seq = first + place
        at = now - SPAN_MS + SPAN_MS * place // count
        name, tier, _ = random.choices(USERS, [weight for _, _, weight in USERS])[0]
        state = random.choices([COMPLETED, FAILED, CANCELLED, EXPIRED], [95, 3, 1.5, 0.5])[0]
        cached = state == COMPLETED and random.random() < 0.12
        wait, took = (0, 0) if cached else (int(random.expovariate(1 / 2500)), max(300, int(random.gauss(5200, 1500))))
        tokens = (0, 0) if cached else (random.randint(500, 1800), random.randint(80, 600))
        cost = tokens[0] * 2_000 + tokens[1] * 10_000
        model = None if cached else random.choices(MODELS, [8, 2])[0]
        kind = random.choices(list(SOURCES), [80, 10, 6, 4])[0]
        started = None if cached else at + wait
        jobs.append((seq, os.urandom(16), ids[name], tier, state, kind, model, not cached, *tokens, cost,
                     9_000_000 if cached else 0, cached, at, started, at + wait + took))
        bodies.append((seq, json.dumps({"prompt": "a prompt"})))
        done = state == COMPLETED
        results.append((seq, SOURCES[kind] if done else None, random.choice(TITLES) if done else None,
                        '{"status":"valid","errors":[]}' if done else None, FAILURE if state == FAILED else None))
    with database:
        database.executemany(
            "INSERT INTO job (seq, id, user_id, tier, state, diagram_type, model, calls, input, output, cost, saved, cached,"
            " created_at, started_at, ended_at, provider, attempts, max_tokens, estimated_input, reserved)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'anthropic', 1, 2048, 900, 0)", jobs)
        database.executemany("INSERT INTO job_body (job_seq, brief) VALUES (?, ?)", bodies)
        database.executemany("INSERT INTO job_result (job_seq, source, title, validation, failure) VALUES (?, ?, ?, ?, ?)", results)
    print(f"{count} requests in {time.time() - begun:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
