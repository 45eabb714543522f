import socket
import sys
from pathlib import Path
from urllib.error import URLError

import pytest

from tic.data.locate import Wanted, locate, read_errors_explained, user_cache
from tic.errors import DataNotFoundError, TicError


def no_network(folder):
    raise URLError("no route to\nhost")


def holds(folder):
    return (folder / "deep" / "cats.bin").is_file()


def put(folder):
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "cats.bin").write_text("meow")


@pytest.fixture
def system(tmp_path):
    return tmp_path / "system"


@pytest.fixture
def cats(system):
    return Wanted("cats", "deep/cats.bin", holds, no_network, (system,), "dataset-cats")


def with_fetch(wanted, fetch):
    return Wanted(wanted.name, wanted.needs, wanted.holds, fetch, wanted.system, wanted.package)


def test_places_are_searched_in_the_stated_order(cats, system, tmp_path, monkeypatch):
    root, variable = tmp_path / "root", tmp_path / "variable"
    monkeypatch.setenv("TIC_DATA", str(variable))
    for place in (user_cache(), system, variable, root):  # from the last resort to the first
        put(place)
        assert locate(cats, root) == place


def test_a_root_without_the_data_set_gives_way_to_the_next_place(cats, tmp_path, monkeypatch):
    monkeypatch.setenv("TIC_DATA", str(tmp_path / "variable"))
    put(tmp_path / "variable")
    (tmp_path / "root").mkdir()
    assert locate(cats, tmp_path / "root") == tmp_path / "variable"


@pytest.mark.parametrize("place", ["~nobody-at-all/x", "/dev/null", "/dev/null/x"])
def test_a_place_that_can_hold_nothing_is_told_like_any_other(cats, place):
    with pytest.raises(DataNotFoundError, match="cats is not on this machine: looked for"):
        locate(cats, place)


def test_an_empty_variable_is_as_good_as_none(cats, tmp_path, monkeypatch):
    put(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("TIC_DATA", "")
    with pytest.raises(DataNotFoundError):
        locate(cats)


def test_home_is_understood(cats, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    put(tmp_path / "data")
    assert locate(cats, "~/data") == tmp_path / "data"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert user_cache() == tmp_path / ".cache" / "tic" / "data"


def test_a_folder_that_may_not_be_entered_is_passed_over(cats, system, tmp_path):
    def closed(folder):
        if folder == tmp_path / "closed":
            raise PermissionError(folder)
        return holds(folder)

    put(system)
    wanted = Wanted("cats", "", closed, no_network, (system,))
    assert locate(wanted, tmp_path / "closed") == system


def test_missing_data_set_says_what_where_and_how_to_get_it(cats, system, tmp_path, monkeypatch):
    monkeypatch.setenv("TIC_DATA", str(tmp_path / "variable"))
    with pytest.raises(DataNotFoundError) as error:
        locate(cats, tmp_path / "root")
    places = f"{tmp_path}/root, {tmp_path}/variable, {system}, {tmp_path}/xdg/tic/data"
    assert str(error.value) == (
        f"the data set cats is not on this machine: looked for deep/cats.bin in {places}, and the "
        "download failed (<urlopen error no route to host>). To get it: pass --data DIR with a "
        "folder that holds it, set TIC_DATA to one, run `apt-get install dataset-cats`, or connect "
        "to the network"
    )
    assert error.value.__context__ is None


def test_a_data_set_that_nobody_can_fetch_has_to_be_brought(cats, tmp_path):
    brought = Wanted("dogs", "dogs.bin", holds, None)
    for download in (True, False):
        with pytest.raises(DataNotFoundError) as error:
            locate(brought, tmp_path, download=download)
        assert str(error.value).endswith(
            ", and it has to be brought. To get it: pass --data DIR with a folder that holds it or "
            "set TIC_DATA to one"
        )
        assert not error.value.downloadable
        with pytest.raises(DataNotFoundError) as error:
            locate(cats, tmp_path, download=download)
        assert error.value.downloadable is not download


def test_the_users_own_folders_are_told_without_the_users_name(cats, tmp_path, monkeypatch):
    home = tmp_path / "home" / "ada"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("TIC_DATA", str(home))
    with pytest.raises(DataNotFoundError) as error:
        locate(cats, home / "images")
    places = f"in ~/images, ~, {tmp_path}/system, ~/.cache/tic/data, and"
    assert places in str(error.value)
    assert "ada" not in str(error.value)


def test_a_folder_beside_home_with_a_longer_name_is_told_in_full(cats, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "ada"))
    with pytest.raises(DataNotFoundError, match=f"in {tmp_path}/adam, "):
        locate(cats, tmp_path / "adam")


def test_without_a_home_places_are_told_in_full(cats, tmp_path, monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(DataNotFoundError, match=f"in {tmp_path}/root, "):
        locate(cats, tmp_path / "root")


def test_only_a_data_set_with_a_package_is_said_to_have_one(cats):
    plain = Wanted("dogs", "dogs.bin", holds, no_network)
    with pytest.raises(DataNotFoundError, match="set TIC_DATA to one, or connect"):
        locate(plain)


def test_nothing_is_downloaded_when_that_is_switched_off(cats):
    fetched = []
    with pytest.raises(DataNotFoundError, match="and downloading is switched off"):
        locate(with_fetch(cats, fetched.append), download=False)
    assert fetched == []


def test_nothing_is_downloaded_that_is_there(cats, system):
    put(system)
    fetched = []
    locate(with_fetch(cats, fetched.append))
    assert fetched == []


@pytest.mark.parametrize("given", ["root", "variable", "nothing"])
def test_a_download_goes_to_the_first_place_that_is_given(cats, given, tmp_path, monkeypatch):
    root = tmp_path / "root" if given == "root" else None
    if given != "nothing":
        monkeypatch.setenv("TIC_DATA", str(tmp_path / "variable"))
    goal = user_cache() if given == "nothing" else tmp_path / given
    assert locate(with_fetch(cats, put), root) == goal
    assert holds(goal)
    assert locate(cats, root) == goal


def test_a_failed_download_leaves_nothing_behind(cats, tmp_path):
    def half(folder):
        put(folder)
        raise ConnectionResetError("line is dead")

    with pytest.raises(DataNotFoundError, match=r"the download failed \(line is dead\)"):
        locate(with_fetch(cats, half), tmp_path / "new" / "root")
    assert not (tmp_path / "new").exists()


def test_a_failed_download_leaves_the_users_folders(cats, tmp_path):
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.mkdir()
    full.mkdir()
    (full / "mine").touch()
    for root in (empty, full):
        with pytest.raises(DataNotFoundError):
            locate(cats, root)
    assert [path.name for path in (*empty.iterdir(), *full.iterdir())] == ["mine"]


def test_a_download_shows_only_whole_files_and_replaces_broken_ones(cats, tmp_path):
    def fetch(folder):
        put(folder)
        assert not (tmp_path / "deep" / "cats.bin").exists()

    (tmp_path / "deep").mkdir()
    locate(with_fetch(cats, fetch), tmp_path)
    assert (tmp_path / "deep" / "cats.bin").read_text() == "meow"


def test_what_another_process_brings_meanwhile_is_not_fetched_again(cats, tmp_path, monkeypatch):
    seen = iter([False, False, False, True])
    wanted = Wanted("cats", "", lambda folder: next(seen), pytest.fail, cats.system)
    assert locate(wanted, tmp_path) == tmp_path


def test_a_root_that_cannot_be_made_is_told(cats, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataNotFoundError, match="Not a directory"):
        locate(cats, tmp_path / "file" / "root")


def test_a_download_is_silent_and_impatient(cats, tmp_path, capsys):
    def chatty(folder):
        print("Downloading ...")
        print("100%", file=sys.stderr)
        assert 0 < socket.getdefaulttimeout() <= 30
        no_network(folder)

    before = socket.getdefaulttimeout()
    with pytest.raises(DataNotFoundError):
        locate(with_fetch(cats, chatty), tmp_path)
    assert capsys.readouterr() == ("", "")
    assert socket.getdefaulttimeout() == before


def test_a_defect_in_our_own_code_keeps_its_traceback(cats, tmp_path):
    def defect(folder):
        raise KeyError("defect")

    with pytest.raises(KeyError):
        locate(with_fetch(cats, defect), tmp_path)


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (RuntimeError("use download=True"), "its checksum is wrong"),
        (EOFError(), "EOFError"),
        (PermissionError(13, "Permission denied", "x.mat"), "Permission denied: 'x.mat'"),
    ],
)
def test_trouble_while_reading_names_the_folder_and_the_way_out(problem, reason):
    with pytest.raises(TicError) as error, read_errors_explained("cats", Path("here")):
        raise problem
    assert str(error.value).startswith("cats in here is not the published data set (")
    assert reason in str(error.value)
    assert str(error.value).endswith("delete it there or name another folder with --data")
    assert error.value.__suppress_context__
