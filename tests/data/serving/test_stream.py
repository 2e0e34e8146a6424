"""The stream's contract: a pure function of (seed, name, position), the same on any number of devices."""

from types import SimpleNamespace

import torch
from torch import Tensor

from sparring.data.serving.stream import BLOCK, EvalLoader, RawBatch, Stream, TrainLoader


def loader(*, rank: int = 0, world: int = 1, iteration: int = 0, iterations: int = 7, flip: bool = True) -> TrainLoader:
    """23 "images" whose only pixel is their position, batches of 4: two chunks for D, one for G."""
    names = ("discriminator", "generator")
    return TrainLoader(
        take=dict.fromkeys(names, lambda positions: (positions.to(torch.uint8).view(-1, 1, 1, 1), positions)),
        streams={name: Stream(name, 5, 23, 4) for name in names},
        chunks={"discriminator": 2, "generator": 1},
        clock=SimpleNamespace(iteration=iteration),
        iterations=iterations,
        rank=rank,
        world_size=world,
        flip=flip,
        padding=2,
    )


def flat(item: dict[str, list[RawBatch]]) -> list[Tensor]:
    return [tensor for name in sorted(item) for chunk in item[name] for tensor in chunk]


def test_stream_is_shuffled_epochs_end_to_end() -> None:
    stream = Stream("discriminator", 5, 23, 4)
    positions = torch.cat([stream.chunk(number) for number in range(23)])  # 92 = 4 epochs
    epochs = positions.view(4, 23)
    assert (epochs.sort(dim=1).values == torch.arange(23)).all()
    assert not torch.equal(epochs[0], epochs[1])


def test_chunks_may_be_asked_for_in_any_order() -> None:
    forward, backward = Stream("a", 5, 23, 4), Stream("a", 5, 23, 4)
    expected = [forward.chunk(number) for number in range(20)]
    for number in reversed(range(20)):
        assert torch.equal(backward.chunk(number), expected[number])


def test_seeds_and_names_give_different_orders() -> None:
    orders = [Stream(name, seed, 23, 23).chunk(0).tolist() for name in ("a", "b") for seed in (1, 2)]
    assert len({tuple(order) for order in orders}) == 4


def test_a_window_reads_a_few_blocks_at_a_time() -> None:
    length, window = 20 * BLOCK + 7, 4 * BLOCK
    stream = Stream("a", 1, length, length, window)
    passes = [stream.chunk(number) for number in range(2)]
    for order in passes:
        assert torch.equal(order.sort().values, torch.arange(length))
        first = order[:window]
        assert len(set((first // BLOCK).tolist())) in (4, 5)  # the last block of all is a short one
        assert not torch.equal(first, first.sort().values)
    assert set(passes[0][:window].tolist()) != set(passes[1][:window].tolist())
    small = Stream("a", 1, length, 64, window)
    assert torch.equal(small.chunk(17), passes[0][17 * 64 : 18 * 64])  # at once, as after a resume
    assert torch.equal(Stream("a", 1, 23, 4, 23).chunk(3), Stream("a", 1, 23, 4).chunk(3))


def test_a_chunk_may_be_the_whole_set() -> None:
    stream = Stream("a", 1, 4, 4)
    assert all(stream.chunk(number).sort().values.tolist() == [0, 1, 2, 3] for number in range(5))


def test_iterations_take_consecutive_chunks() -> None:
    items = list(loader())
    whole = Stream("discriminator", 5, 23, 4)
    got = [chunk.label for item in items for chunk in item["discriminator"]]
    assert all(torch.equal(label, whole.chunk(number)) for number, label in enumerate(got))
    assert len(items) == len(loader()) == 7


def test_resumed_loader_continues_where_the_clock_stands() -> None:
    whole = list(loader(iterations=10))
    resumed = list(loader(iteration=6, iterations=4))
    assert all(
        torch.equal(a, b)
        for x, y in zip(whole[6:], resumed, strict=True)
        for a, b in zip(flat(x), flat(y), strict=True)
    )


def test_clock_is_read_at_the_first_next() -> None:
    late = loader()
    iterator = iter(late)
    late.clock.iteration = 3
    assert all(torch.equal(a, b) for a, b in zip(flat(next(iterator)), flat(list(loader())[3]), strict=True))


def test_union_of_ranks_is_the_batch_of_one_device_with_its_augmentation() -> None:
    for whole, left, right in zip(loader(), loader(rank=0, world=2), loader(rank=1, world=2), strict=True):
        for a, b, c in zip(flat(whole), flat(left), flat(right), strict=True):
            assert torch.equal(a, torch.cat([b, c]))


def test_without_flip_only_the_window_is_drawn() -> None:
    with_flip, without = next(iter(loader())), next(iter(loader(flip=False)))
    assert with_flip["discriminator"][0].mirror.any()
    assert not without["discriminator"][0].mirror.any()
    assert torch.equal(with_flip["discriminator"][0].corner, without["discriminator"][0].corner)


def test_evaluation_is_ordered_whole_and_equally_long_on_all_ranks() -> None:
    def take(positions: Tensor) -> tuple[Tensor, Tensor]:
        return positions, positions

    ranks = [list(EvalLoader(take, 11, 4, rank, 2)) for rank in range(2)]
    assert len(ranks[0]) == len(ranks[1]) == 3
    union = [torch.cat([a.label, b.label]) for a, b in zip(*ranks, strict=True)]
    assert torch.cat(union).tolist() == list(range(11))
