"""Shape: everything static about a compiled loop beside the program, and how members are laid out on devices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .devices import accelerated

# Members side by side in one program ("a tile") share the cost of each operation; where a member alone keeps a core
# busy, they take turns instead, each with its weights in the cache. Measured on two cores: see docs/house.md.
TILE_WORK = 5_000_000
LARGEST_TILE = 64
KEPT = 4096  # rows whose order is found anew in each call of the loop, in 0.1 ms; it takes 4 ms for 60,000
MOST_KEPT = 1 << 24  # numbers of rows that several members keep, 64 MB
LARGEST_ACCELERATED = 4096  # a GPU or TPU has room for as many as fit into its memory, see waves


@dataclass(frozen=True)
class Shape:
    """Everything static about a loop beside the program: it decides what is compiled.

    Attributes:
        batch_size: Rows an update.
        capacity: Places for row numbers, a multiple of the batch size.
        count: Training rows when all members have equally many, else None.
        sure_steps: Updates an epoch that every member makes; those beyond are made by some.
        indexed: Whether members hold row numbers; otherwise each uses all rows in the data's order.
        shuffled: Whether the order is new each epoch.
        validation: Rows (or places for row numbers) of the validation set, 0 for none.
        validation_indexed: Whether members hold row numbers of their own for it.
        own_epochs: Whether members end at different epochs.
        layout: How members lie on devices.
        shards: Devices among which the rows of each batch are split; 1 for several members.
    """

    batch_size: int
    capacity: int
    count: int | None
    sure_steps: int
    indexed: bool
    shuffled: bool
    validation: int
    validation_indexed: bool
    own_epochs: bool
    layout: Layout
    shards: int = 1

    @property
    def steps(self) -> int:
        """Updates an epoch, of the longest member."""
        return self.capacity // self.batch_size

    @property
    def keeps_order(self) -> bool:
        """Whether the loop hands the epoch's order on to its next call."""
        return self.shuffled and keeps_order(self.capacity, self.layout)


@dataclass(frozen=True)
class Layout:
    """Places for members: `devices` work side by side, each on its `turns` tiles one after another.

    Attributes:
        devices: CPU cores or accelerators.
        turns: Tiles of a device.
        tile: Members side by side in a tile.
        single: Whether there is one member and no axis for it.
    """

    devices: int = 1
    turns: int = 1
    tile: int = 1
    single: bool = False

    @property
    def places(self) -> int:
        """Members that fit; those left over are filled by copies that count for nothing."""
        return self.devices * self.turns * self.tile


ALONE = Layout(single=True)


def layout(members: int, work: float, devices: int) -> Layout:
    """How so many members lie, with as few places to spare as possible.

    Args:
        members: Plans that run together.
        work: Floating-point operations of one update of one member.
        devices: Among which members can be split.

    >>> layout(100, 1e4, 2)
    Layout(devices=2, turns=1, tile=50, single=False)
    >>> layout(5, 1e9, 2)
    Layout(devices=2, turns=3, tile=1, single=False)
    """
    if members == 1:
        return ALONE
    devices = min(devices, members)
    each = -(-members // devices)
    most = LARGEST_ACCELERATED if accelerated() else max(1, min(LARGEST_TILE, int(TILE_WORK / max(work, 1.0))))
    turns = -(-each // most)
    return Layout(devices, turns, -(-each // turns))


def keeps_order(rows: int, lay: Layout) -> bool:
    """Whether the order of so many rows is handed on from call to call, rather than found anew in each.

    >>> keeps_order(60_000, ALONE), keeps_order(100, ALONE)
    (True, False)
    """
    return rows > KEPT and (lay.single or lay.places * rows <= MOST_KEPT)


def places(going: np.ndarray, lay: Layout) -> np.ndarray:
    """Which place moves to each place, so that those going fill tiles, and tiles are dealt out to the devices."""
    whole = _whole(going, lay)
    sorted_ = np.argsort(~whole, kind="stable")
    # Tile t of those in order goes to device t mod D, turn t div D.
    tiles = sorted_.reshape(lay.turns, lay.devices, lay.tile)
    return tiles.swapaxes(0, 1).reshape(-1)


def busy(going: np.ndarray, lay: Layout, *, spread: bool = False) -> int:
    """Tiles with a member that goes on, of the device that has most, as members lie or once they were `spread`."""
    whole = _whole(going, lay)
    whole = whole[places(going, lay)] if spread else whole
    return int(whole.reshape(lay.devices, lay.turns, lay.tile).any(2).sum(1).max())


def _whole(going: np.ndarray, lay: Layout) -> np.ndarray:
    return np.concatenate([going, np.zeros(lay.places - len(going), bool)])
