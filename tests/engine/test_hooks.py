"""`auditor.capture`: what a layer returned and which gradient reached it, in the caller's own forward."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

import auditor
from auditor.errors import ModelError


class Net(nn.Module):
    """Two convolutions, the second called twice, with in-place code after each."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.again = nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.first(x))
        x = self.act(self.again(x))
        x = self.act(self.again(x))
        scores: Tensor = self.head(x.mean(dim=(2, 3)))
        return scores


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net().double()


def pictures(count: int = 2) -> Tensor:
    return torch.rand((count, 3, 6, 6), dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def hooks(model: nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules())


def test_activations_and_gradients_are_those_of_a_forward_written_out(net: Net) -> None:
    images = pictures()
    with auditor.capture(net, "first") as captured:
        net(images)[:, 1].sum().backward()

    before = net.first(images)
    kept = before.detach().clone()
    rest = net.act(before.clone())
    for _ in range(2):
        rest = net.act(net.again(rest))
    (gradient,) = torch.autograd.grad(net.head(rest.mean(dim=(2, 3)))[:, 1].sum(), before)
    assert torch.equal(captured["first"].activations, kept)
    assert (kept < 0).any()  # what in-place code did afterwards is not in it
    assert torch.allclose(captured["first"].gradients, gradient)


def test_a_layer_that_runs_twice_has_two_calls_and_no_single_answer(net: Net) -> None:
    with auditor.capture(net, ["again"]) as captured:
        net(pictures()).sum().backward()

    assert len(captured["again"].calls) == 2
    assert all(found is not None for found in captured["again"].gradients_of_calls)
    with pytest.raises(ModelError, match="'again' ran 2 times within the block, not once"):
        _ = captured["again"].activations


def test_globs_choose_layers_in_the_models_order(net: Net) -> None:
    with auditor.capture(net, ["head", "a*"]) as captured:
        net(pictures())

    assert list(captured) == ["act", "again", "head"]


def test_a_name_that_fits_nothing_is_refused_with_its_neighbours(net: Net) -> None:
    with pytest.raises(ModelError, match=r"no layer 'frist'; did you mean first"), auditor.capture(net, "frist"):
        pass


def test_without_a_backward_there_is_no_gradient(net: Net) -> None:
    with auditor.capture(net, "head") as captured, torch.no_grad():
        net(pictures())

    assert captured["head"].activations.shape == (2, 2)
    with pytest.raises(ModelError, match="'head' had a gradient never"):
        _ = captured["head"].gradients


def test_nothing_stays_behind_not_even_after_an_exception(net: Net) -> None:
    with pytest.raises(RuntimeError), auditor.capture(net, "*"):
        net(torch.zeros(1))
    with auditor.capture(net, "first") as captured:
        scores = net(pictures())
    scores.sum().backward()

    assert hooks(net) == 0
    assert captured["first"].gradients_of_calls == [None]  # the backward came after the block


def test_a_thousand_blocks_leave_no_hook_and_no_tensor(net: Net) -> None:
    kept = None
    for _ in range(1000):
        with auditor.capture(net, ["first", "head"]) as captured:
            net(pictures(1))
        kept = captured
    assert hooks(net) == 0
    assert kept is not None
    assert len(kept["first"].calls) == 1


def test_threads_see_their_own_calls_only(net: Net) -> None:
    ready = threading.Barrier(4)

    def watch(value: int) -> tuple[Tensor, Tensor]:
        images = torch.full((1, 3, 6, 6), float(value), dtype=torch.float64)
        with auditor.capture(net, "first") as captured:
            ready.wait()
            net(images)
            ready.wait()
        return captured["first"].activations, net.first(images).detach()

    with ThreadPoolExecutor(4) as pool:
        for seen, expected in pool.map(watch, range(4)):
            assert torch.equal(seen, expected)


def test_wrappers_are_looked_through(net: Net) -> None:
    wrapped = nn.DataParallel(net)
    with auditor.capture(wrapped, "head") as captured:
        wrapped(pictures())

    assert captured["head"].activations.shape == (2, 2)


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")
def test_a_scripted_model_is_refused_in_words() -> None:
    scripted = torch.jit.script(nn.Sequential(nn.Linear(2, 2)))
    with pytest.raises(ModelError, match="TorchScript"), auditor.capture(scripted, "0"):
        pass
