"""Builds the demo plant's files from their sources: `python -m demo.build [--out FOLDER]`.

The built files are committed, so nobody needs this to run the demo; whoever changes a source runs it and commits both.
"""

import argparse
import json
import re
from pathlib import Path

from demo import pdf, word
from demo.source import PAGE, Source, read_all

HERE = Path(__file__).parent
TENANTS = {"alder": "Alder Beverages, Plant 2", "birch": "Birch Coatings"}


def build(sources: Path, out: Path) -> list[Path]:
    """Write every tenant's files and its `manifest.json` below `out`; return what was written."""
    written: list[Path] = []
    documents = read_all(sources)
    for slug, name in TENANTS.items():
        own = [source for source in documents if source.tenant == slug]
        folder = out / slug
        folder.mkdir(parents=True, exist_ok=True)
        for source in own:
            path = folder / source.file
            path.write_bytes(render(source, name))
            written.append(path)
        manifest = {"tenant": {"slug": slug, "name": name}, "files": [entry(source) for source in own]}
        path = folder / "manifest.json"
        path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(path)
    return written


def render(source: Source, company: str) -> bytes:
    """The bytes of the built file.

    Raises:
        ValueError: the file's extension is none of pdf, docx, md, txt.
    """
    match source.form:
        case "pdf":
            return pdf.render(source, company)
        case "docx":
            return word.render(source, company)
        case "md":
            return _markdown(source, company).encode()
        case "txt":
            return _text(source, company).encode()
        case other:
            raise ValueError(f"{source.file}: no builder for {other}")


def entry(source: Source) -> dict[str, object]:
    """What the manifest says of one file."""
    metadata: dict[str, object] = {
        "title": source.title,
        "doc_type": source.doc_type,
        "revision": source.revision,
        "effective_from": source.effective_from.isoformat(),
    }
    if source.effective_until:
        metadata["effective_until"] = source.effective_until.isoformat()
    if source.supersedes:
        metadata["supersedes"] = source.supersedes
    metadata["assets"] = list(source.assets)
    return {
        "path": source.file,
        "classification": source.classification,
        "tags": list(source.tags),
        "metadata": metadata,
    }


def _markdown(source: Source, company: str) -> str:
    head = [
        f"# {source.title}",
        "",
        f"{company} · {source.number} · Revision {source.revision} · effective {source.effective_from} · {source.owner}",
        "",
    ]
    return "\n".join(head) + source.body.replace(f"\n{PAGE}\n", "")


def _text(source: Source, company: str) -> str:
    """Headings underlined, marks removed: plain text as people type it."""
    title = f"{source.number} {source.title.upper()}"
    head = [title, "=" * len(title), f"{company}, revision {source.revision}, {source.effective_from}", ""]
    body = re.sub(
        r"^## (.+)$", lambda found: f"{found[1].upper()}\n{'-' * len(found[1])}", source.body, flags=re.MULTILINE
    )
    return "\n".join(head) + "\n" + body


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the demo plant's files from demo/sources.")
    parser.add_argument("--out", type=Path, default=HERE / "plant")
    out = parser.parse_args().out
    written = build(HERE / "sources", out)
    size = sum(path.stat().st_size for path in written)
    print(f"{len(written)} files, {size // 1024} KiB in {out}")


if __name__ == "__main__":
    main()
