"""What holds for every registered visualizer, ours and those of other packages."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.engine.capture import capture
from auditor.engine.device import seeded as seeded_draws
from auditor.engine.integrity import digest
from auditor.engine.maps import make_maps
from auditor.engine.predictor import Predictor
from auditor.engine.studying import lend
from auditor.engine.target_gradients import TargetGradients
from auditor.errors import NotApplicableError
from auditor.media import Medium
from auditor.plan import make_plan
from auditor.registry import load, names
from auditor.visualizers import (
    Captured,
    ChannelVisualizer,
    MapVisualizer,
    Need,
    NetworkVisualizer,
    Profile,
    ProfileVisualizer,
    Sheet,
    StudyVisualizer,
    Visualizer,
)
from tests.engine.networks import CLASSES, HEIGHT, WIDTH, ClassTokenViT, PlainCnn, images, loaded, sample, seeded

ALL = names("visualizers")
OF_PICTURES = [name for name in ALL if Medium.PICTURE in load("visualizers", name).media]
MAPS, CHANNELS, SHEETS, PROFILES = (
    [name for name in OF_PICTURES if issubclass(load("visualizers", name), kind)]
    for kind in (MapVisualizer, ChannelVisualizer, NetworkVisualizer, ProfileVisualizer)
)
NETWORKS: dict[str, tuple[type[nn.Module], str]] = {
    "cnn": (PlainCnn, "features.6"),
    "transformer": (ClassTokenViT, "encoder.layers.1"),
}
COUNT = 6
OF_SOME_MODELS = [name for name in MAPS + CHANNELS if name.startswith("attention_")]
"""Without attention they mean nothing."""


def on_networks(parts: Sequence[str]) -> list[tuple[str, str]]:
    """Each part on each network; the tests skip where it means nothing on that network."""
    return [(name, network) for name in parts for network in NETWORKS]


QUICKER = {"activation_maximization": {"steps": 3}}
"""What a test can wait for."""


def made(name: str) -> Visualizer:
    """The part as the smallest preset that has it would make it."""
    part = load("visualizers", name)
    assert issubclass(part, Visualizer)
    options = next((part.budgets[preset] for preset in ("quick", "standard", "full") if preset in part.budgets), {})
    return part(**options, **QUICKER.get(name, {}))


def captured_on(network: str, visualizer: Visualizer) -> Captured:
    """What the visualizer would be given."""
    build, layer = NETWORKS[network]
    module = seeded(build)
    model = loaded(module)
    x = model.preprocessing.to_input(images(COUNT))
    predictor = Predictor(model, torch.device("cpu"), chunk=8)
    with torch.no_grad():
        # an untrained network predicts by its bias alone; what an image adds to it speaks for another class
        added = module(x) - module(torch.zeros_like(x[:1]))
    found = capture(
        module,
        x,
        layers=[layer],
        needs=frozenset(Need),
        targets=added.argmax(1),
        target_scores=predictor.input_scores,
        fill=x.mean((0, 2, 3)).view(3, 1, 1),
    )
    return TargetGradients(predictor).added_to(found)[layer if visualizer.per_layer else None]


def maps_of(visualizer: Visualizer, captured: Captured) -> Tensor:
    """Its maps or channels; skips the test where it says in words that it means nothing on such a network."""
    try:
        if isinstance(visualizer, ChannelVisualizer):
            return visualizer.channels(captured)[0]
        assert isinstance(visualizer, MapVisualizer)
        return visualizer.maps(captured)
    except NotApplicableError as error:
        pytest.skip(str(error))


def tensors_of(captured: Captured) -> dict[str, Tensor]:
    values = {field.name: getattr(captured, field.name) for field in dataclasses.fields(captured)}
    return {name: value.clone() for name, value in values.items() if isinstance(value, Tensor)}


@pytest.mark.parametrize("name", ALL)
def test_it_is_documented(name: str) -> None:
    part = load("visualizers", name)
    text = inspect.getdoc(part) or ""

    assert part.summary().endswith("."), "the first line is a sentence: the title in the documentation"
    assert "Source:" in text
    assert isinstance(part, type)
    assert issubclass(part, Visualizer)
    assert part.reading.endswith("."), "a layman must be told how to read the picture"
    assert all(field.description for field in part.model_fields.values()), "every option is explained"


@pytest.mark.parametrize("name", ALL)
def test_its_presets_set_options_that_it_has(name: str) -> None:
    part = load("visualizers", name)

    assert set(part.budgets) <= {"quick", "standard", "full"}
    for options in part.budgets.values():
        part(**options)


@pytest.mark.parametrize(("name", "network"), on_networks(MAPS))
def test_its_maps_are_finite_not_negative_and_differ_from_image_to_image(name: str, network: str) -> None:
    visualizer = made(name)
    assert isinstance(visualizer, MapVisualizer)
    captured = captured_on(network, visualizer)

    maps = maps_of(visualizer, captured)

    assert maps.ndim == 3
    assert len(maps) == COUNT
    assert maps.shape[1] * maps.shape[2] > 1
    assert maps.is_floating_point()
    assert maps.device == captured.inputs.device
    assert bool(maps.isfinite().all())
    assert bool((maps >= 0).all())
    assert float(maps.flatten(1).amax(1).median()) > 0
    assert not torch.equal(maps[0], maps[1])


@pytest.mark.parametrize("name", [name for name in MAPS + CHANNELS if name not in OF_SOME_MODELS])
def test_it_means_something_on_a_plain_network(name: str) -> None:
    visualizer = made(name)
    captured = captured_on("cnn", visualizer)

    if isinstance(visualizer, ChannelVisualizer):
        visualizer.channels(captured)
    else:
        assert isinstance(visualizer, MapVisualizer)
        visualizer.maps(captured)


@pytest.mark.parametrize(("name", "network"), on_networks(CHANNELS))
def test_its_channels_come_strongest_first_with_units_of_the_layer(name: str, network: str) -> None:
    visualizer = made(name)
    assert isinstance(visualizer, ChannelVisualizer)
    captured = captured_on(network, visualizer)
    assert captured.activations is not None

    maps_of(visualizer, captured)
    maps, units = visualizer.channels(captured)

    assert units.dtype == torch.int64
    assert maps.shape[:2] == units.shape
    assert captured.attention is not None
    of_layer = Need.ACTIVATIONS in visualizer.needs
    assert 0 <= int(units.min()) <= int(units.max())
    assert int(units.max()) < (captured.activations if of_layer else captured.attention.layers[0].weights).shape[1]
    if of_layer:
        assert maps.shape[2:] == captured.activations.shape[2:]
    assert all(len(set(row.tolist())) == len(row) for row in units)


@pytest.mark.parametrize(("name", "network"), on_networks(SHEETS))
def test_its_sheets_are_numbers_with_a_label_a_tile(name: str, network: str) -> None:
    visualizer = made(name)
    assert isinstance(visualizer, NetworkVisualizer)
    build, layer = NETWORKS[network]

    sheets = visualizer.sheets(seeded(build), [layer])

    assert sheets
    for sheet in sheets:
        assert isinstance(sheet, Sheet)
        assert sheet.tiles.dtype == np.float32
        assert sheet.tiles.ndim in (3, 4)
        assert len(sheet.labels) == len(sheet.tiles) > 0
        assert np.isfinite(sheet.tiles).all()
        assert sheet.caption.endswith(".")


@pytest.mark.parametrize(("name", "network"), on_networks(PROFILES))
def test_its_profile_has_the_same_headings_in_every_row(name: str, network: str) -> None:
    visualizer = made(name)
    assert isinstance(visualizer, ProfileVisualizer)

    check_profile(visualizer.profile(seeded(NETWORKS[network][0])))


def check_profile(profile: Profile) -> None:
    assert profile.rows
    assert profile.caption.endswith(".")
    assert len({row.layer for row in profile.rows}) == len(profile.rows)
    assert len({tuple(row.numbers) for row in profile.rows}) == 1
    for row in profile.rows:
        assert row.low < row.high
        assert row.histogram.dtype == np.int64
        assert row.histogram.sum() > 0


@pytest.mark.parametrize(("name", "network"), on_networks(MAPS + CHANNELS))
def test_the_same_seed_gives_the_same_result_to_the_last_bit(name: str, network: str) -> None:
    visualizer = made(name)
    captured = captured_on(network, visualizer)

    def once() -> Tensor:
        with seeded_draws(0):
            return maps_of(visualizer, captured)

    assert torch.equal(once(), once())


@pytest.mark.parametrize(("name", "network"), on_networks(MAPS + CHANNELS))
def test_it_writes_to_nothing_that_was_captured(name: str, network: str) -> None:
    visualizer = made(name)
    captured = captured_on(network, visualizer)
    before = tensors_of(captured)

    maps_of(visualizer, captured)

    after = tensors_of(captured)
    assert all(torch.equal(before[field], after[field]) for field in before)


@pytest.mark.parametrize(("name", "network"), on_networks(OF_PICTURES))
def test_over_a_sample_it_works_leaves_the_model_as_it_was_and_costs_no_more_than_it_says(
    name: str, network: str
) -> None:
    visualizer = made(name)
    build, layer = NETWORKS[network]
    module = seeded(build).train()
    before = digest(module)
    if isinstance(visualizer, NetworkVisualizer):
        visualizer.sheets(module, [layer])
        assert digest(module) == before
        return
    if isinstance(visualizer, ProfileVisualizer):
        visualizer.profile(module)
        assert digest(module) == before
        return
    model = loaded(module)
    predictor = Predictor(model, torch.device("cpu"), chunk=8)
    predictor.scores(images(2))
    spent = predictor.forwards

    run = make_maps(
        model, module, sample(images(COUNT)), [visualizer], [layer], device=torch.device("cpu"), chunk=4,
        targets=np.arange(COUNT) % CLASSES, predictor=predictor,
    )  # fmt: skip

    assert run.failures == []
    if isinstance(visualizer, StudyVisualizer):
        audited = lend(predictor, sample(images(COUNT)), [layer], predicted=np.arange(COUNT) % CLASSES)
        studies = visualizer.study(audited, run.observed[name])
        assert studies
        assert all(study.exhibits for study in studies)
        assert all(exhibit.caption.endswith(".") for study in studies for exhibit in study.exhibits)
        most = visualizer.forwards(HEIGHT, WIDTH) * COUNT + visualizer.forwards_in_all(1, HEIGHT, WIDTH)
        assert 0 < predictor.forwards - spent <= most
        assert digest(module) == before
        return
    assert len(run.maps) + len(run.channels) + len(run.profiles) + len(run.skipped) == 1
    for profile in run.profiles.values():
        check_profile(profile)
    for item in run.maps:
        assert item.maps.shape == (COUNT, HEIGHT, WIDTH)
        assert item.usable.any()
    assert predictor.forwards - spent <= visualizer.forwards(HEIGHT, WIDTH) * COUNT
    assert digest(module) == before
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


@pytest.mark.parametrize("name", OF_PICTURES)
def test_a_spec_that_names_it_is_accepted_and_plans_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "pictures" / "a").mkdir(parents=True)
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        f"""
        version: 1
        name: names-{name.replace("_", "-")}
        title: A spec
        purpose: A test.
        owner: us
        model: {{source: torchvision, name: resnet18, weights: DEFAULT}}
        dataset: {{source: folder, path: pictures}}
        visualizations: [{name}]
        """
    )

    plan = make_plan(spec)

    assert [item.name for item in plan.visualizers] == [name]


@pytest.mark.parametrize("name", OF_SOME_MODELS)
def test_on_a_model_without_what_it_needs_it_is_refused_in_words_and_the_others_go_on(name: str) -> None:
    module = seeded(PlainCnn)

    run = make_maps(
        loaded(module), module, sample(images(COUNT)), [made(name), made("grad_cam")], ["features.6"],
        device=torch.device("cpu"), chunk=4,
    )  # fmt: skip

    assert [item.method for item in run.maps] == ["grad_cam"]
    assert run.failures == []
    assert [skipped for skipped, _, _ in run.skipped] == [name]
    assert run.skipped[0][2].startswith("the model has no ")


def test_importing_all_visualizers_imports_no_torch() -> None:
    code = (
        "import sys; from auditor.registry import load, names; [load('visualizers', n) for n in names('visualizers')]; "
        "sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_presets_are_those_that_the_documentation_names() -> None:
    ours = {name: set(load("visualizers", name).budgets) for name in ALL}

    assert {"grad_cam", "saliency"} <= {name for name, presets in ours.items() if "quick" in presets}
    assert "occlusion" not in {name for name, presets in ours.items() if "quick" in presets}
    assert {"kernels", "feature_maps", "grad_cam", "layer_cam", "saliency", "occlusion"} <= {
        name for name, presets in ours.items() if "standard" in presets
    }


def test_what_needs_many_more_passes_is_in_no_smaller_preset_than_full() -> None:
    many = {Need.GRADIENTS, Need.GUIDED_GRADIENTS, Need.RELEVANCE}
    parts = [load("visualizers", name) for name in ALL]

    dear = [part for part in parts if issubclass(part, Visualizer) and part.needs & many]

    assert len(dear) >= 5
    assert all(set(part.budgets) == {"full"} for part in dear)
