"""Pictures embedded in a page, each within a number of bytes."""

import base64
import io
from pathlib import Path

SMALLEST = 64  # pixels: no picture is reduced below this width


def data_uri(path: Path, *, most_bytes: int) -> str | None:
    """A PNG file as a `data:` address; `None` if it is no readable picture.

    The file itself where it is small enough; otherwise lossy WebP, halved in size until it is.

    Args:
        path: the file.
        most_bytes: of the picture before base64.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content), formats=["PNG", "JPEG", "WEBP"]) as picture:
            picture.load()
            if len(content) <= most_bytes:
                return _uri("png", content)
            coloured = picture.convert("RGBA" if picture.mode in ("LA", "RGBA") else "RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError):
        return None
    return _uri("webp", _webp(coloured, most_bytes))


def tiles(path: Path, count: int, *, most_bytes: int) -> list[str]:
    """The `count` equal parts, side by side, of a PNG file as `data:` addresses; empty if it is no readable picture.

    Args:
        most_bytes: of one part before base64.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["PNG"]) as picture:
            picture.load()
            width = picture.width // count
            parts = [picture.crop((width * i, 0, width * (i + 1), picture.height)) for i in range(count)]
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError):
        return []
    return [_part(part, most_bytes) for part in parts]


def _part(picture, most_bytes: int) -> str:  # type: ignore[no-untyped-def]
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    if buffer.tell() <= most_bytes:
        return _uri("png", buffer.getvalue())
    coloured = picture.convert("RGBA" if picture.mode in ("LA", "RGBA") else "RGB")
    return _uri("webp", _webp(coloured, most_bytes))


def _webp(picture, most_bytes: int) -> bytes:  # type: ignore[no-untyped-def]  # PIL.Image.Image, imported lazily
    while True:
        if max(picture.size) < 16000:  # WebP's own limit is 16383
            for quality in (90, 75, 60):
                buffer = io.BytesIO()
                picture.save(buffer, format="WEBP", quality=quality)
                if buffer.tell() <= most_bytes or min(picture.size) <= SMALLEST:
                    return buffer.getvalue()
        picture = picture.reduce(2)


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def thumbnail(path: Path, *, side: int) -> str | None:
    """A picture as a `data:` address, its longer side at most `side` pixels; `None` if it is not readable."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["PNG", "JPEG", "WEBP"]) as picture:
            small = picture.convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError):
        return None
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, format="WEBP", quality=60)
    return _uri("webp", buffer.getvalue())
