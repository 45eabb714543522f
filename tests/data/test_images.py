from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tic.data import DATASETS, CropFlip, ImageData
from tic.errors import TicError


def numbered(count, *, flip=True, padding=1):
    """Images that are all of one grey, the image's number, which is its label as well."""
    facts = replace(
        DATASETS["cifar10"].facts,
        num_classes=max(count, 2),
        shape=(1, 3, 4),
        mean=(0.4913,),
        std=(0.2023,),
        flip=flip,
        crop_padding=padding,
    )
    labels = torch.arange(count)
    images = labels.to(torch.uint8)[:, None, None, None].expand(count, 1, 3, 4).contiguous()
    return ImageData(facts, "train", images, labels)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def joined(batches):
    images, labels = zip(*batches, strict=True)
    return torch.cat(images), torch.cat(labels)


counts, sizes = st.integers(1, 60), st.integers(1, 70)


@given(counts, sizes)
def test_batches_are_the_images_in_order_in_pixel_space(count, batch_size):
    data = numbered(count)
    images, labels = joined(data.batches(batch_size))
    assert labels.tolist() == list(range(count))
    assert images.dtype == torch.float32
    torch.testing.assert_close(images, data.inputs / 255, rtol=0, atol=0)


@given(counts, sizes, st.integers(0, 2**32), st.sampled_from([CropFlip(), None]))
def test_an_epoch_shows_each_image_once_with_its_label(count, batch_size, seed, augmentation):
    data = numbered(count)
    shuffled = data.shuffled_batches(batch_size, generator(seed), augmentation=augmentation)
    images, labels = joined(shuffled)
    assert sorted(labels.tolist()) == list(range(count))
    # Padding of one leaves a grey pixel in the middle of a 3x4 image whatever is drawn.
    torch.testing.assert_close(images[:, 0, 1, 1] * 255, labels.float())


@given(counts, sizes, sizes)
def test_an_epoch_does_not_depend_on_the_batch_size(count, one, other):
    data = numbered(count)
    first = joined(data.shuffled_batches(one, generator(), augmentation=CropFlip()))
    second = joined(data.shuffled_batches(other, generator(), augmentation=CropFlip()))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_batches_have_a_length_and_keep_the_last_partial_one():
    batches = numbered(10).batches(4)
    assert len(batches) == 3
    assert [len(labels) for _, labels in batches] == [4, 4, 2]
    assert len(numbered(8).batches(4)) == 2


def test_batches_can_be_gone_through_again():
    batches = numbered(10).batches(4)
    torch.testing.assert_close(list(batches), list(batches))


def test_each_pass_of_shuffled_batches_is_a_new_epoch():
    shuffled = numbered(50).shuffled_batches(8, generator(), augmentation=CropFlip())
    first, second = joined(shuffled)[1], joined(shuffled)[1]
    assert not torch.equal(first, second)


def test_a_saved_generator_goes_on_with_the_same_epoch():
    data, rng = numbered(50), generator()
    list(data.shuffled_batches(8, rng, augmentation=CropFlip()))
    state = rng.get_state()
    expected = joined(data.shuffled_batches(8, rng, augmentation=CropFlip()))
    resumed = torch.Generator()
    resumed.set_state(state)
    torch.testing.assert_close(
        joined(data.shuffled_batches(8, resumed, augmentation=CropFlip())), expected
    )


def test_what_else_draws_during_an_epoch_does_not_change_it():
    data, rng = numbered(50), generator()
    expected = joined(data.shuffled_batches(8, generator(), augmentation=CropFlip()))[0]
    seen = []
    for images, _ in data.shuffled_batches(8, rng, augmentation=CropFlip()):
        torch.rand(3, generator=rng)
        seen.append(images)
    torch.testing.assert_close(torch.cat(seen), expected, rtol=0, atol=0)


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    list(numbered(50).shuffled_batches(8, generator(), augmentation=CropFlip()))
    assert torch.equal(torch.get_rng_state(), before)


def test_other_seeds_give_other_orders_and_other_crops():
    data = numbered(50)
    one, other = (
        joined(data.shuffled_batches(50, generator(seed), augmentation=CropFlip()))
        for seed in (1, 2)
    )
    assert not torch.equal(one[1], other[1])
    assert not torch.equal(one[0][one[1].argsort()], other[0][other[1].argsort()])


def test_without_augmentation_the_order_stays_and_the_images_are_whole():
    data = numbered(50)
    plain = joined(data.shuffled_batches(8, generator()))
    augmented = joined(data.shuffled_batches(8, generator(), augmentation=CropFlip()))
    assert torch.equal(plain[1], augmented[1])
    assert torch.equal(plain[0], data.presented(data.inputs[plain[1]]))
    assert not torch.equal(plain[0], augmented[0])


def test_white_is_one_at_every_scale():
    digits = DATASETS["digits"].facts
    images = torch.tensor([0, 8, 16], dtype=torch.uint8)[:, None, None, None].expand(3, 1, 8, 8)
    data = ImageData(digits, "test", images, torch.tensor([0, 1, 2]))
    ((pixels, _),) = data.batches(3)
    assert pixels[:, 0, 0, 0].tolist() == [0, 0.5, 1]


def test_digest_changes_with_one_pixel_or_label_or_the_presentation():
    data = numbered(10)
    images, labels = data.inputs.clone(), data.labels.clone()
    images[9, 0, 2, 3] += 1
    labels[0] = 1
    others = [
        replace(data, inputs=images),
        replace(data, labels=labels),
        replace(data, split="test"),
        replace(data, facts=replace(data.facts, name="other")),
        replace(data, facts=replace(data.facts, crop_padding=2)),
        replace(data, facts=replace(data.facts, mean=(0.5,))),
        replace(data, inputs=data.inputs[:9], labels=data.labels[:9]),
    ]
    assert len({data.digest, *(other.digest for other in others)}) == 1 + len(others)


def test_digest_is_that_of_the_content():
    data = numbered(10)
    rebuilt = numbered(10)
    strided = data.inputs.transpose(2, 3).contiguous().transpose(2, 3)
    assert data.digest == rebuilt.digest == replace(data, inputs=strided).digest
    assert len(data.digest) == 64


def test_to_its_own_device_is_the_data_itself():
    data = numbered(10)
    assert data.device == torch.device("cpu")
    assert data.to("cpu") is data


def test_smaller_subsets_are_part_of_larger_ones():
    facts = replace(numbered(4).facts, num_classes=4)
    labels = torch.arange(40) % 4
    images = torch.arange(40, dtype=torch.uint8)[:, None, None, None].expand(40, 1, 3, 4)
    data = ImageData(facts, "train", images, labels)
    taken = [set(data.take(size).inputs[:, 0, 0, 0].tolist()) for size in range(4, 41)]
    assert [len(one) for one in taken] == list(range(4, 41))
    assert all(small < large for small, large in pairwise(taken))
    subset = data.take(12)
    assert subset.labels.bincount().tolist() == [3, 3, 3, 3]
    assert torch.equal(subset.inputs[:, 0, 0, 0] % 4, subset.labels)


@pytest.mark.parametrize("size", [-1, 0, 9, 11])
def test_a_size_that_the_split_cannot_give_is_refused(size):
    rule = rf"size must lie between 10 \(one image per class\) and 10 .*, got {size}"
    with pytest.raises(TicError, match=rule):
        numbered(10).take(size)


@pytest.mark.parametrize("batch_size", [0, -3])
def test_batch_size_below_one_is_refused(batch_size):
    with pytest.raises(TicError, match=f"batch_size must be at least 1, got {batch_size}"):
        numbered(3).batches(batch_size)
    with pytest.raises(TicError, match="batch_size must be at least 1"):
        numbered(3).shuffled_batches(batch_size, generator(), augmentation=CropFlip())


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"inputs": torch.zeros(10, 1, 3, 4)}, "needs uint8 images, got torch.float32"),
        ({"inputs": torch.zeros(9, 1, 3, 4, dtype=torch.uint8)}, r"needs images \(10, 1, 3, 4\)"),
        ({"labels": torch.zeros(10)}, r"needs labels \(N,\) int64"),
        ({"labels": torch.arange(10) + 1}, r"labels from 0 to 9, got .* in \[1, 10\]"),
        ({"labels": torch.arange(10) - 1}, r"labels from 0 to 9, got .* in \[-1, 8\]"),
        ({"split": "valid"}, "split 'train' or 'test', got 'valid'"),
        ({"inputs": torch.zeros(0, 1, 3, 4, dtype=torch.uint8), "labels": torch.arange(0)}, "one"),
        ({"facts": replace(numbered(10).facts, levels=8)}, "raw values <= 8"),
    ],
)
def test_tensors_that_do_not_fit_the_spec_are_refused(change, rule):
    with pytest.raises(TicError, match=rule):
        replace(numbered(10), **change)


def test_facts_of_the_spec_are_at_hand():
    data = numbered(5)
    assert (len(data), data.name, data.num_classes) == (5, "cifar10", 5)
    facts = data.facts
    assert (facts.channels, facts.height, facts.width) == (1, 3, 4)
    assert data.normalisation() == ((0.4913,), (0.2023,))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")
def test_a_gpu_shows_the_same_pixels_and_digest():
    data = numbered(50)
    moved = data.to("cuda")
    assert moved is data.to("cuda")
    assert moved.digest == data.digest
    assert torch.equal(joined(moved.batches(7))[0].cpu(), joined(data.batches(7))[0])
    epochs = [
        joined(
            moved.shuffled_batches(
                7, torch.Generator("cuda").manual_seed(0), augmentation=CropFlip()
            )
        )
        for _ in range(2)
    ]
    torch.testing.assert_close(*epochs, rtol=0, atol=0)
    with pytest.raises(TicError, match="the generator must be on the data's device cuda"):
        moved.shuffled_batches(7, generator(), augmentation=CropFlip())
