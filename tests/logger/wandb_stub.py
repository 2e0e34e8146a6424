"""A W&B server on the loopback device, as much of it as the SDK needs."""

import gzip
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

KEY = "0123456789abcdef0123456789abcdef01234567"


class WandbStub:
    """`with WandbStub() as stub:` serves at `stub.url` and keeps what clients sent.

    `behaviour`: "ok"; "unauthorized" (401 to everything); "silent" (accepts and never answers); "late" (a valid login, then
    silence when a run is to be created).
    """

    def __init__(self, behaviour: str = "ok") -> None:
        self.behaviour = behaviour
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.uploads: dict[str, bytes] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.exit_codes: dict[str, int] = {}
        self.preempted: set[str] = set()
        self.operations: list[str] = []
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def do_PUT(self) -> None:
                self._serve()

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                status, answer = stub.answer(self.command, self.path, body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # clients that gave up waiting

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if self.behaviour == "silent":
            self._stop.wait()
        if self.behaviour == "unauthorized":
            return 401, {"errors": [{"message": "user is not logged in"}]}
        if path == "/graphql":
            return 200, {"data": self._graphql(json.loads(body))}
        if path.endswith("/file_stream"):
            self._file_stream(path.split("/")[-2], json.loads(body))
        elif method == "PUT":
            self.uploads[path.removeprefix("/storage/")] = body
        return 200, {}

    def _graphql(self, request: dict[str, Any]) -> dict[str, Any]:
        found = re.search(r"(?:query|mutation)\s+(\w+)", request["query"])
        operation, variables = found.group(1) if found else "", request.get("variables") or {}
        self.operations.append(operation)
        viewer = {"id": "1", "entity": "tester", "username": "tester", "flags": "{}", "teams": {"edges": []}}
        if operation == "UpsertBucket":
            if self.behaviour == "late":
                self._stop.wait()
            return {"upsertBucket": self._upsert(variables)}
        if operation == "CreateRunFiles":
            files = [
                {"name": name, "uploadUrl": f"{self.url}/storage/{variables['run']}/{name}"}
                for name in variables["files"]
            ]
            return {"createRunFiles": {"runID": variables["run"], "uploadHeaders": [], "files": files}}
        if operation == "RunResumeStatus":
            return {"model": {"id": "p", "name": variables["project"], "bucket": self._resume(variables["name"])}}
        return {"viewer": viewer, "serverInfo": {"features": []}}

    def _upsert(self, variables: dict[str, Any]) -> dict[str, Any]:
        name = variables["name"]
        inserted = name not in self.runs
        given = {key: value for key, value in variables.items() if value is not None}
        run = self.runs.setdefault(name, {})
        run.update(given)
        project = {"id": "p", "name": run.get("project") or "sparring", "entity": {"id": "e", "name": "tester"}}
        bucket = {
            "id": f"id-{name}", "name": name, "displayName": run.get("displayName") or name, "description": "",
            "config": "{}", "sweepName": None, "historyLineCount": len(self.history.get(name, [])), "project": project,
        }  # fmt: skip
        return {"bucket": bucket, "inserted": inserted}

    def _resume(self, name: str) -> dict[str, Any] | None:
        if name not in self.runs:
            return None
        lines = self.history.get(name, [])
        return {
            "id": f"id-{name}", "name": name, "displayName": name, "summaryMetrics": "{}", "historyLineCount": len(lines),
            "eventsLineCount": 0, "logLineCount": 0, "historyTail": json.dumps([json.dumps(line) for line in lines[-1:]]),
            "eventsTail": "[]", "config": "{}", "tags": [], "wandbConfig": '{"t": 1}',
        }  # fmt: skip

    def _file_stream(self, run: str, message: dict[str, Any]) -> None:
        content = message.get("files", {}).get("wandb-history.jsonl")
        if content:
            self.history.setdefault(run, []).extend(json.loads(line) for line in content["content"])
        if message.get("preempting"):
            self.preempted.add(run)
        if message.get("complete"):
            self.exit_codes[run] = message.get("exitcode", 0)
