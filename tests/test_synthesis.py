"""Spectra, phases, colours and moves against sums written out and closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from auditor.synthesis import Colours, Moves, colours_of, drawn_moves, magnitudes_of, moved, of_phases, of_spectra

SIZE = (8, 6)


def pictures(count: int = 5, channels: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    grey = torch.rand((count, 1, *SIZE), generator=generator, dtype=torch.float64)
    return 0.7 * grey + 0.3 * torch.rand((count, channels, *SIZE), generator=generator, dtype=torch.float64)


def still(count: int) -> dict[str, Tensor]:
    zeros = torch.zeros((count, 1), dtype=torch.float64)
    return {"angles": zeros, "scales": zeros + 1, "rights": zeros, "downs": zeros}


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_apart_vary_independently_and_come_together_again(channels: int) -> None:
    given = pictures(channels=channels)
    colours = colours_of(given)

    apart = colours.apart(given)

    pixels = apart.transpose(0, 1).flatten(1)
    torch.testing.assert_close(pixels @ pixels.T / pixels.shape[1], torch.eye(channels).double(), rtol=0, atol=2e-3)
    torch.testing.assert_close(colours.together(apart), given)


def test_grey_pictures_in_three_channels_and_a_plain_sample_have_colours_too() -> None:
    for given in (pictures(channels=1).expand(-1, 3, -1, -1), torch.full((2, 3, *SIZE), 0.5)):
        colours = colours_of(given)

        assert bool(colours.apart(given).isfinite().all())


def test_a_picture_is_what_its_own_magnitudes_and_phases_make() -> None:
    given = pictures(1)
    colours = colours_of(given)
    phases = torch.fft.rfft2(colours.apart(given), norm="ortho").angle()

    made = of_phases(phases, magnitudes_of(given, colours), SIZE, colours)

    torch.testing.assert_close(made, given)


def test_whatever_the_phases_the_magnitudes_stay() -> None:
    given = pictures()
    colours = colours_of(given)
    magnitudes = magnitudes_of(given, colours)
    phases = torch.fft.rfft2(torch.rand((4, 3, *SIZE), generator=torch.Generator().manual_seed(2)).double()).angle()

    made = of_phases(phases, magnitudes, SIZE, colours)

    found = torch.fft.rfft2(colours.apart(made), norm="ortho").abs()
    torch.testing.assert_close(found, magnitudes.expand_as(found))


def test_a_free_spectrum_is_the_sum_of_waves_written_out() -> None:
    generator = torch.Generator().manual_seed(3)
    spectra = torch.randn((1, 1, SIZE[0], SIZE[1] // 2 + 1, 2), generator=generator, dtype=torch.float64)
    colours = Colours(torch.tensor([0.5]).double(), torch.tensor([[0.2]]).double())
    rows, columns = SIZE
    expected = torch.zeros(SIZE, dtype=torch.float64)
    for y in range(rows):
        for x in range(columns):
            total = 0.0
            for u in range(rows):
                for v in range(columns // 2 + 1):
                    down = u / rows if u < rows / 2 else u / rows - 1
                    scale = 1 / max(math.hypot(down, v / columns), 1 / max(SIZE))
                    real, imaginary = spectra[0, 0, u, v].tolist()
                    wave = 2 * math.pi * (u * y / rows + v * x / columns)
                    both = 1 if v in (0, columns / 2) else 2  # the mirrored half of the spectrum
                    total += both * scale * (real * math.cos(wave) - imaginary * math.sin(wave))
            expected[y, x] = 1 / (1 + math.exp(-0.25 * total / math.sqrt(rows * columns)))

    made = of_spectra(spectra, SIZE, colours)

    torch.testing.assert_close(made[0, 0], expected)


def test_no_move_changes_nothing() -> None:
    given = pictures()

    torch.testing.assert_close(moved(given, Moves(**still(5)), 0), given)


def test_a_shift_of_whole_pixels_is_a_shift_mirrored_at_the_border() -> None:
    given = pictures()
    moves = Moves(**{**still(5), "rights": torch.full((5, 1), 2 / SIZE[1], dtype=torch.float64)})

    shifted = moved(given, moves, 0)

    torch.testing.assert_close(shifted[..., :-2], given[..., 2:])
    torch.testing.assert_close(shifted[..., -2], given[..., -1])


def test_half_a_turn_turns_and_double_size_doubles_about_the_centre() -> None:
    given = pictures()
    half = Moves(**{**still(5), "angles": torch.full((5, 1), math.pi, dtype=torch.float64)})
    double = Moves(**{**still(5), "scales": torch.full((5, 1), 2.0, dtype=torch.float64)})
    ramp = torch.linspace(0, 1, SIZE[1], dtype=torch.float64).expand(1, 1, *SIZE)

    torch.testing.assert_close(moved(given, half, 0), given.flip(2, 3))
    steps = moved(ramp, Moves(*(each[:1] for each in (double.angles, double.scales, double.rights, double.downs))), 0)
    torch.testing.assert_close(steps[0, 0, 0].diff(), torch.full((SIZE[1] - 1,), 0.5 / (SIZE[1] - 1)).double())


def test_moves_stay_within_what_they_say() -> None:
    moves = drawn_moves(torch.rand((3, 50, 4), generator=torch.Generator().manual_seed(4)))

    assert float(moves.angles.abs().max()) <= math.radians(5.2)
    assert 0.9 <= float(moves.scales.min()) <= float(moves.scales.max()) <= 1.1
    assert float(torch.stack((moves.rights, moves.downs)).abs().max()) <= 0.06
