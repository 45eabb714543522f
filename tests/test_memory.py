import weakref

import pytest
import torch
from torch import nn

from tic import memory
from tic.errors import TicError
from tic.memory import counting_saved_bytes, free_bytes, is_lack_of_memory, memory_errors_explained

CPU = torch.device("cpu")
FILES = {
    "/proc/meminfo": "MemTotal: 900 kB\nMemFree: 1 kB\nMemAvailable: 500 kB\n",
    "/sys/fs/cgroup/memory.max": "300000",
    "/sys/fs/cgroup/memory.current": "100000",
    "/sys/fs/cgroup/memory.stat": "anon 60000\nfile 40000\ninactive_file 30000\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": None,
    "/sys/fs/cgroup/memory/memory.usage_in_bytes": None,
    "/sys/fs/cgroup/memory/memory.stat": None,
}
FIRST_VERSION = {
    "/sys/fs/cgroup/memory.max": None,
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "90000",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes": "50000",
    "/sys/fs/cgroup/memory/memory.stat": "inactive_file 7\ntotal_inactive_file 20000\n",
}


@pytest.fixture
def machine(monkeypatch):
    """Let the system's files say so; one without a text is missing."""

    def pretend(**changed):
        texts = dict(zip(FILES, (changed.get(k, v) for k, v in FILES.items()), strict=True))

        def read_text(path):
            if texts.get(str(path)) is None:
                raise FileNotFoundError(path)
            return texts[str(path)]

        monkeypatch.setattr(memory.Path, "read_text", read_text)

    return lambda changed: pretend(**changed)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        # What only caches files counts as free.
        ({}, 230_000),
        ({"/sys/fs/cgroup/memory.stat": "anon 100000\n"}, 200_000),
        ({"/sys/fs/cgroup/memory.current": "400000"}, 0),
        (FIRST_VERSION, 60_000),
        ({**FIRST_VERSION, "/sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2**63}"}, 500 * 1024),
        ({"/sys/fs/cgroup/memory.max": "max"}, 500 * 1024),
        ({"/sys/fs/cgroup/memory.max": None}, 500 * 1024),
        ({"/proc/meminfo": None}, 230_000),
        ({"/proc/meminfo": "MemFree: 1 kB\n"}, 230_000),
        ({"/proc/meminfo": None, "/sys/fs/cgroup/memory.max": None}, 2**31),
    ],
)
def test_free_memory_is_what_the_system_and_the_container_leave(machine, changed, expected):
    machine(changed)
    assert free_bytes(CPU) == expected


def test_this_machine_has_memory():
    assert 2**20 < free_bytes(CPU) < 2**50


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("could not create a primitive"), True),
        (RuntimeError("unable to mmap 9 bytes from file <a>: Cannot allocate memory (12)"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("DefaultCPUAllocator"), False),
    ],
)
def test_a_lack_of_memory_is_told_from_other_errors(error, expected):
    assert is_lack_of_memory(error) == expected


def test_what_torch_raises_without_memory_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_lack_of_memory(caught.value)


def test_what_a_forward_keeps_is_counted_once_and_without_the_parameters():
    # the input (3, 5) for the weight's gradient, the output (3, 4) of the exponential for its own
    layer, inputs = nn.Linear(5, 4, bias=False), torch.ones(3, 5)
    with counting_saved_bytes(layer.parameters()) as saved:
        outputs = layer(inputs).exp()
        again = layer(inputs)
    assert saved.bytes == 4 * (3 * 5 + 3 * 4)
    (outputs.sum() + again.sum()).backward()
    assert layer.weight.grad is not None


def test_what_filled_the_memory_is_freed_though_the_error_is_kept():
    held = []

    def fill():
        activations = torch.zeros(1000)
        held.append(weakref.ref(activations))
        raise MemoryError

    with pytest.raises(TicError) as told, memory_errors_explained("measuring", CPU):
        fill()
    assert isinstance(told.value.__cause__, MemoryError)
    assert held[0]() is None


def test_a_lack_of_memory_is_told_and_other_errors_are_left_alone():
    with (
        pytest.raises(TicError, match=r"^measuring needs more memory than cpu has left"),
        memory_errors_explained("measuring", CPU),
    ):
        raise MemoryError
    with pytest.raises(RuntimeError, match=r"^other$"), memory_errors_explained("measuring", CPU):
        raise RuntimeError("other")
