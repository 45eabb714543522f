import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from tic.errors import TicError
from tic.measure.batches import Batch, labelled_batches
from tic.models.logits import require_classes

CPU = torch.device("cpu")
INPUTS, LABELS = torch.rand(4, 1, 6, 6), torch.arange(4)


def batches(loader):
    return [(each.inputs, each.labels) for each in labelled_batches(loader, CPU)]


@pytest.mark.parametrize("shape", [(4,), (4, 9), (4, 3, 9), (4, 3, 2, 5, 5)])
def test_anything_with_the_batch_axis_first_is_an_input(shape):
    inputs = torch.rand(shape)
    [(given, labels)] = batches([(inputs, LABELS)])
    assert torch.equal(given, inputs)
    assert torch.equal(labels, LABELS)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_labels_may_be_of_any_integer_type(dtype):
    [(_, labels)] = batches([(INPUTS, LABELS.to(dtype))])
    assert labels.dtype == torch.int64


def test_a_loader_of_torch_and_a_generator_serve():
    loader = DataLoader(TensorDataset(INPUTS, LABELS), batch_size=3)
    assert [len(labels) for _, labels in batches(loader)] == [3, 1]
    assert [len(labels) for _, labels in batches(iter([[INPUTS, LABELS]]))] == [4]


def test_a_batch_knows_its_place_in_the_loader_and_so_does_a_part_of_it():
    two = [(INPUTS[:3], LABELS[:3]), (INPUTS[3:], LABELS[3:])]
    assert [each.first for each in labelled_batches(two, CPU)] == [0, 3]
    part = Batch(INPUTS, LABELS, first=10).part(1, 2)
    assert (part.first, len(part), part.labels.tolist()) == (11, 2, [1, 2])
    assert len(Batch(INPUTS, LABELS).part(3, 2)) == 1


def test_batches_without_samples_are_passed_over():
    empty = (INPUTS[:0], LABELS[:0])
    assert len(batches([empty, (INPUTS, LABELS), empty])) == 1
    with pytest.raises(TicError, match="at least one batch, got none with a sample in it"):
        batches([empty])


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        ([], "the loader must give at least one batch"),
        (3, "the loader must give batches .*, got something of type int"),
        ([(INPUTS, LABELS, LABELS)], r"a pair .* got a tuple of 3: \(4, 1, 6, 6\), \(4,\), \(4,\)"),
        ([{"image": INPUTS, "label": LABELS}], "got a dict with the keys 'image', 'label'"),
        ([(INPUTS, LABELS.tolist())], "got a tuple of 2: .*, list; wrap a data set"),
        ([INPUTS], r"got a tensor of shape \(4, 1, 6, 6\)"),
        (TensorDataset(INPUTS, LABELS), r"got \(1, 6, 6\) and \(\); wrap .*DataLoader"),
        ([(INPUTS, LABELS[:3])], r"one for each, got \(4, 1, 6, 6\) and \(3,\)"),
        ([(INPUTS, torch.arange(5))], r"got \(4, 1, 6, 6\) and \(5,\)"),
        ([(INPUTS, LABELS[:, None])], r"got \(4, 1, 6, 6\) and \(4, 1\)"),
        ([(INPUTS, LABELS.float())], "integer type, got torch.float32; labels.long()"),
        ([(INPUTS, torch.eye(4))], r"integer type, got torch.float32; labels.argmax\(1\)"),
        ([(INPUTS / 0, LABELS)], "inputs must be finite"),
        ([(INPUTS.to_sparse(), LABELS)], "inputs must be dense"),
        ([(INPUTS, LABELS > 1)], "integer type, got torch.bool"),
    ],
)
def test_what_is_no_loader_of_batches_is_refused_with_the_way_out(loader, message):
    with pytest.raises(TicError, match=message):
        batches(loader)


@pytest.mark.parametrize("label", [-100, -1, 5, 9])
def test_labels_that_name_no_class_are_refused(label):
    with pytest.raises(TicError, match=rf"labels must be in \[0, 4\].*, got {label}; leave"):
        require_classes(torch.tensor([0, 4, label]), 5)
    require_classes(torch.tensor([0, 4]), 5)


def test_tensors_made_in_inference_mode_become_such_that_autograd_may_keep():
    with torch.inference_mode():
        made = torch.rand(4, 2), torch.arange(4)
    [(inputs, labels)] = batches([made])
    assert not inputs.is_inference()
    assert not labels.is_inference()
