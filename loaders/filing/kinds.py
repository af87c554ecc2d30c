"""What a file is, by its content: libmagic, whose library and rules come with the package pylibmagic."""

from __future__ import annotations

import ctypes
import importlib.util
import mimetypes
from functools import cache
from pathlib import Path

HEAD = 4096  # bytes of a file that are looked at
REMEMBERED = 4096  # kinds of beginnings seen before
MIME_TYPE, NO_COMPRESS = 0x10, 0x1000  # magic.h
UNKNOWN = "application/octet-stream"
_NAMES = mimetypes.MimeTypes(filenames=())
_MORE = {
    "application/x-dosexec": "exe", "application/vnd.microsoft.portable-executable": "exe",
    "application/x-executable": "elf", "application/x-pie-executable": "elf", "application/x-sharedlib": "so",
    "application/x-object": "o", "application/x-mach-binary": "macho", "application/java-archive": "jar",
    "application/x-java-applet": "class", "application/x-msi": "msi", "application/x-bzip2": "bz2",
    "application/x-xz": "xz", "application/zstd": "zst", "application/x-7z-compressed": "7z",
    "application/x-rar": "rar", "application/vnd.ms-cab-compressed": "cab", "application/x-iso9660-image": "iso",
    "application/x-debian-package": "deb", "application/vnd.debian.binary-package": "deb",
    "application/x-rpm": "rpm", "application/vnd.android.package-archive": "apk",
    "application/x-shockwave-flash": "swf",
    "application/x-ms-shortcut": "lnk", "application/vnd.tcpdump.pcap": "pcap", "application/x-lz4": "lz4",
    "application/vnd.sqlite3": "db", "application/x-gzip": "gz", "application/gzip": "gz",
    "text/x-shellscript": "sh", "text/x-script.python": "py", "text/x-python": "py", "text/x-php": "php",
    "text/x-perl": "pl", "text/x-ruby": "rb", "text/x-c": "c", "text/x-msdos-batch": "bat", "text/xml": "xml",
    "text/x-diff": "diff", "text/x-java": "java", "application/javascript": "js", "text/javascript": "js",
    "image/vnd.microsoft.icon": "ico", "image/x-icon": "ico", "image/webp": "webp", "image/x-ms-bmp": "bmp",
    "font/sfnt": "ttf", "audio/x-wav": "wav", "video/x-flv": "flv", "message/rfc822": "eml", "text/rtf": "rtf",
    "application/x-ole-storage": "ole", "application/CDFV2": "ole",
}  # fmt: skip


@cache
def _library() -> tuple[ctypes.CDLL, ctypes.c_void_p]:
    # the package's own import would change ctypes and the environment of the whole process
    spec = importlib.util.find_spec("pylibmagic")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    library = ctypes.CDLL(str(folder / "libmagic.so.1"))
    library.magic_open.restype = ctypes.c_void_p
    library.magic_buffer.restype = ctypes.c_char_p
    library.magic_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    library.magic_load.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    cookie = ctypes.c_void_p(library.magic_open(MIME_TYPE | NO_COMPRESS))
    if library.magic_load(cookie, str(folder / "magic.mgc").encode()):
        raise OSError("libmagic cannot load its rules")
    return library, cookie


class Kinds:
    """Tells MIME types by the beginning of a file."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], str] = {}  # by the hash, whose key is this process's, and the size

    def mime(self, head: bytes) -> str:
        """MIME type of a file that begins with HEAD (up to HEAD bytes)."""
        key = (hash(head), len(head))
        found = self._known.get(key)
        if found is None:
            library, cookie = _library()
            answer = library.magic_buffer(cookie, head, len(head))
            found = answer.decode("ascii", "replace") if answer else UNKNOWN
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = found
        return found


@cache
def extension(mime: str) -> str | None:
    """The usual ending of names of files of a MIME type, without the dot."""
    found = _MORE.get(mime)
    if found is None and (guessed := _NAMES.guess_extension(mime)):
        found = guessed[1:]
    return found
