"""Check that a folder gets exactly a page's files, and that what a run leaves is ignored."""

from course.pages import file_tree


def test_read_skips_generated_files(tmp_path):
    for name in (
        ".venv/x.py",
        "chat/__pycache__/x.pyc",
        ".git/x",
        "chat/.ruff_cache/x",
        "staticfiles/x",
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    for name in ("db.sqlite3", "db.sqlite3-wal", "dump.rdb", "README.md", "a.py", "chat/README.md"):
        (tmp_path / name).write_text(name)
    assert file_tree.read(tmp_path) == {"a.py": b"a.py", "chat/README.md": b"chat/README.md"}


def test_write_removes_old_files_but_keeps_the_readme(tmp_path):
    file_tree.write({"a.py": b"1", "old/x/y.py": b"2", "same.py": b"3"}, tmp_path)
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "old" / "x" / "__pycache__").mkdir()
    (tmp_path / "a.py").chmod(0o755)
    changed = file_tree.write({"a.py": b"4", "new/z.py": b"5", "same.py": b"3"}, tmp_path)
    assert changed == ["a.py", "new/z.py", "old/x/y.py"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.md",
        "a.py",
        "new",
        "same.py",
    ]
    assert (tmp_path / "a.py").stat().st_mode & 0o100
