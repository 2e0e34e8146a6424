"""Uploading, against a hub of a few lines on this computer."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sparring.core.errors import ConfigError
from sparring.export.push import push


class Hub(BaseHTTPRequestHandler):
    """Takes every repository but those of `taken`; keeps what was committed."""

    files: ClassVar[dict[str, bytes]] = {}
    made: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        where = self.path.partition("?")[0]
        if where == "/api/repos/create":
            asked = json.loads(body)
            self.made.append(asked)
            if asked.get("organization") == "taken":
                return self._answer({"error": "You don't have the rights to create a model under taken"}, 403)
            name = f"{asked.get('organization', 'me')}/{asked['name']}"
            return self._answer({"url": f"http://{self.headers['Host']}/{name}", "name": name, "id": "1"})
        if where.endswith("/preupload/main"):
            files = [
                {"path": each["path"], "uploadMode": "regular", "shouldIgnore": False}
                for each in json.loads(body)["files"]
            ]
            return self._answer({"files": files})
        if where.endswith("/commit/main"):
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            return self._answer({"commitUrl": f"http://{self.headers['Host']}/me/mine/commit/1", "commitOid": "1"})
        return self._answer({})

    def do_GET(self) -> None:
        taken = "/taken/" in self.path
        self._answer(
            {"error": "none"} if taken else {"id": "me/mine", "siblings": [], "sha": "1"}, 404 if taken else 200
        )

    def _answer(self, content: Any, code: int = 200) -> None:
        data = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Silent."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)  # as HF_ENDPOINT, which is read once
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    Hub.files.clear()
    Hub.made.clear()
    yield address
    server.shutdown()
    server.server_close()


def test_a_folder_arrives_in_a_private_repository(hub: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    address = push(tmp_path, "me/mine", private=True)
    assert address.endswith("/me/mine")
    assert Hub.files == {"config.json": b"{}", "model.safetensors": b"weights"}
    assert "private" in {Hub.made[0].get("visibility"), *(name for name, value in Hub.made[0].items() if value is True)}


def test_what_the_hub_refuses_is_said_and_the_files_stay(hub: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"push=taken/mine did not work: .*\. The files were written"):
        push(tmp_path, "taken/mine", private=True)
    with pytest.raises(ConfigError, match="push=no name/at/all did not work"):
        push(tmp_path, "no name/at/all", private=True)
    assert (tmp_path / "config.json").exists()
