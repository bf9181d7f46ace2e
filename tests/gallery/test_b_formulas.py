"""What the experiments compute themselves, against independent oracles."""

import math
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from torchclinic.core import LRRange
from torchclinic.gallery import Settings
from torchclinic.gallery.experiments import (
    adam_weight_decay,
    all_methods,
    bn_dropout_order,
    bn_gradient,
    bn_moving_average,
    bn_scale_invariance,
    bn_statistics_only,
    bn_unshuffled,
    covariate_shift,
    dropout_coadaptation,
    dropout_inverted,
    early_stopping,
    gradient_free,
    input_normalisation,
    internal_covariate_shift,
    lr_range,
    mc_dropout,
    rare_features,
    transfer,
    warm_up,
)
from torchclinic.training import train

FAST = Settings(fast=True, seeds=2)
seeds = st.integers(0, 2**31)


class TestMovingAverage:
    @given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.floats(0.01, 1.0))
    def test_is_the_lectures_loop(self, values, alpha):
        ema, path = 0.0, []
        for value in values:
            ema = (1 - alpha) * ema + alpha * value
            path.append(ema)
        np.testing.assert_allclose(
            bn_moving_average.moving_average(np.array(values), alpha), path, atol=1e-12
        )

    def test_running_mean_ends_at_the_mean(self):
        values = np.random.default_rng(0).normal(size=100)
        assert bn_moving_average.running_mean(values)[-1] == pytest.approx(values.mean())

    def test_samples_have_the_mean_that_is_said(self):
        assert bn_moving_average.sample_means(0).mean() == pytest.approx(
            bn_moving_average.MEAN, abs=0.02
        )


class TestBatchNorm:
    @given(seeds)
    @settings(max_examples=10, deadline=None)
    def test_gradients_by_hand_are_autograds(self, seed):
        for shape in ((5, 3), (3, 2, 4, 4)):
            assert bn_gradient.errors(shape, seed) < 1e-9

    @given(st.floats(0.1, 100), seeds)
    @settings(max_examples=10, deadline=None)
    def test_output_ignores_the_scale_and_the_gradient_undoes_it(self, scale, seed):
        out, by_input, by_weight = bn_scale_invariance.gradients(1.0, seed, 1e-30)
        other, by_input_a, by_weight_a = bn_scale_invariance.gradients(scale, seed, 1e-30)
        torch.testing.assert_close(other, out)
        torch.testing.assert_close(by_input_a, by_input)
        torch.testing.assert_close(scale * by_weight_a, by_weight)

    def test_scale_is_seen_where_epsilon_counts(self):
        out, *_ = bn_scale_invariance.gradients(1.0, 0, 1.0)
        other, *_ = bn_scale_invariance.gradients(0.01, 0, 1.0)
        assert (out - other).abs().max() > 0.1

    @pytest.mark.parametrize("spread", [0.5, 1.0, 4.0])
    def test_straight_share_is_a_squared_correlation(self, spread):
        z = spread * np.random.default_rng(0).normal(size=400_000)
        sampled = np.corrcoef(z, 1 / (1 + np.exp(-z)))[0, 1] ** 2
        assert bn_statistics_only.straight_share(spread) == pytest.approx(sampled, abs=3e-3)

    def test_sorting_keeps_the_pairs(self):
        data = bn_unshuffled.images(FAST)
        ordered = bn_unshuffled.by_class(data)
        labels = ordered.train[1]
        assert bool((labels.diff() >= 0).all())
        of_class = data.train[0][data.train[1] == 3].sum(0)
        torch.testing.assert_close(ordered.train[0][labels == 3].sum(0), of_class)

    def test_no_dropout_no_variance_shift(self, monkeypatch):
        monkeypatch.setattr(bn_dropout_order, "epochs", lambda *_, **__: 3)
        trained = train(bn_dropout_order.recipe(FAST, "BatchNorm"), keep_model=True)
        ratios = bn_dropout_order.variance_shift(FAST, trained.model)
        assert len(ratios) == 3
        assert all(0.8 < ratio < 1.25 for ratio in ratios)

    def test_shift_put_back_only_in_training(self):
        norm = internal_covariate_shift.NoisyBatchNorm(4)
        x = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
        assert (norm(x).mean(0).abs() > 1e-3).all()
        torch.testing.assert_close(norm.eval()(x), norm(x))


class TestDropout:
    @given(seeds, st.floats(0.0, 0.9))
    @settings(max_examples=10, deadline=None)
    def test_bad_dropout_has_the_expectation_of_the_good_one(self, seed, p):
        torch.manual_seed(seed)
        x = torch.ones(200_000)
        bad = dropout_inverted.BadDropout(p)
        kept = bad.train()(x)
        assert set(kept.unique().tolist()) <= {0.0, 1.0}
        assert kept.mean().item() == pytest.approx(bad.eval()(x).mean().item(), abs=0.01)

    def test_moran_of_a_gradient_and_of_noise(self):
        ramp = torch.arange(20.0).repeat(20).reshape(1, 400)
        noise = torch.randn(200, 400, generator=torch.Generator().manual_seed(0))
        assert dropout_coadaptation.autocorrelation(ramp).item() > 0.8
        assert abs(dropout_coadaptation.autocorrelation(noise).mean().item()) < 0.02

    def test_removing_nothing_is_the_plain_error(self):
        model = dropout_coadaptation.Autoencoder(64, dropout_coadaptation.UNITS).eval()
        x = torch.rand(10, 64)
        with torch.no_grad():
            plain = (model(x) - x).square().mean().item()
        assert dropout_coadaptation.error_without(model, x, 0.0) == pytest.approx(plain, rel=1e-5)
        assert dropout_coadaptation.error_without(model, x, 0.5) > 0

    def test_intervals_of_a_net_that_says_the_truth(self):
        truth = mc_dropout.GRID

        class Known:
            interval = (truth - 1, truth + 1)

        width, cover = mc_dropout._line_numbers(cast("Any", Known()))
        assert width == pytest.approx((2.0, 2.0))
        assert cover == (1.0, 1.0)


class TestInputs:
    def test_two_features_are_ten_apart(self):
        x, y = input_normalisation.two_features(0)
        assert (x[:, 1].std() / x[:, 0].std()).item() == pytest.approx(10, rel=0.3)
        assert abs(y.mean().item()) < 1e-9

    def test_descent_ends_at_a_hundredth(self):
        x, y = input_normalisation.two_features(1)
        steps, condition, path = input_normalisation.descent(x, y)
        loss = ((x @ path[-1] - y).square().mean() / y.square().mean()).item()
        assert loss <= input_normalisation.TOLERANCE
        values = np.linalg.eigvalsh((x.T @ x).numpy())
        assert condition == pytest.approx(values[-1] / values[0])
        assert steps == len(path) - 1 > 10

    def test_units_differ_only_in_scale(self):
        grey = input_normalisation.in_units(FAST, "grey values").train[0]
        mixed = input_normalisation.in_units(FAST, "mixed units").train[0]
        alive = grey.std(0) > 0
        a, b = grey[:, alive], mixed[:, alive]
        torch.testing.assert_close((b - b.mean(0)) / b.std(0), (a - a.mean(0)) / a.std(0),
                                   atol=1e-3, rtol=1e-3)  # fmt: skip
        assert (b.std(0) / a.std(0)).max() / (b.std(0) / a.std(0)).min() > 100

    def test_nothing_washed_out_is_the_image(self):
        x = torch.rand(5, 64)
        torch.testing.assert_close(covariate_shift.washed_out(x, 0.0, 0), x)
        assert covariate_shift.washed_out(x, 0.8, 0).std() < x.std()


class TestOptimizers:
    def test_without_noise_or_decay_nothing_is_pulled(self):
        assert adam_weight_decay.share_left("adamw", 0.0, 0, decay=0.0) == 1.0

    def test_adamw_pulls_as_its_formula_says(self):
        wanted = (1 - adam_weight_decay.RATE * adam_weight_decay.DECAY) ** adam_weight_decay.UPDATES
        assert adam_weight_decay.share_left("adamw", 0.0, 0) == pytest.approx(wanted, rel=1e-3)

    def test_rare_is_rare(self):
        x, y, truth = rare_features.rows_of(0)
        assert x[:, :10].mean().item() == pytest.approx(rare_features.COMMON, abs=0.02)
        assert x[:, 10:].mean().item() == pytest.approx(rare_features.RARE, abs=0.003)
        assert set(y.unique().tolist()) == {0.0, 1.0}
        assert truth.abs().unique().tolist() == [rare_features.WEIGHT]

    @pytest.mark.parametrize("name", ["one-plus-one-es", "cma-es", "nelder-mead"])
    def test_direct_paths_never_rise(self, name):
        path = gradient_free.directly(name, 8, 0, 60)
        assert len(path) == 60
        finite = path[np.isfinite(path)]
        assert (np.diff(finite) <= 0).all()

    def test_a_gradient_counts_three(self):
        path = gradient_free.by_gradient("Adam", 8, 0, 30)
        assert len(path) == 30
        assert path[0] == path[2] >= path[3]

    def test_evaluations_to_the_target(self):
        assert gradient_free._needed(np.array([1.0, 0.5, 0.1, 0.05])) == 3
        assert gradient_free._needed(np.array([1.0, 0.5])) == 3


class TestTrainings:
    def test_the_lectures_bounds_of_a_known_curve(self):
        rates = np.geomspace(1e-5, 1, 501)
        place = np.log10(rates)
        losses = np.where(place < -4, 2.0, np.where(place < -1, 2.0 - (place + 4) / 3, 3.0))
        found = LRRange(learning_rates=tuple(rates), losses=tuple(losses))
        low, high = lr_range.bounds(found)
        assert high == pytest.approx(1e-2, rel=0.05)
        assert low == pytest.approx(10**-3.7 / 6, rel=0.05)

    def test_without_a_suggestion_the_lectures_rate(self):
        assert lr_range._valley([LRRange(reason="flat")]) == 1e-2
        two = [LRRange(suggestions={"valley": v}) for v in (0.1, 0.001)]
        assert lr_range._valley(two) == pytest.approx(0.01)

    def test_every_fifth_label_is_wrong(self):
        data = early_stopping.noisy_data(FAST)
        clean = early_stopping.images(FAST).train
        matches = (clean[0][:, None] == data.train[0][None]).all(-1).nonzero()
        right = dict(zip(matches[:, 1].tolist(), clean[1][matches[:, 0]].tolist(), strict=True))
        wrong = np.mean([right[i] != int(y) for i, y in enumerate(data.train[1])])
        assert len(right) == early_stopping.FEW
        assert wrong == pytest.approx(early_stopping.WRONG, abs=0.06)

    def test_parts_share_no_class(self):
        data = transfer.images(FAST).train
        low, high = transfer.part(data, 0), transfer.part(data, 5)
        assert len(low[1]) + len(high[1]) == len(data[1])
        assert low[1].max() == high[1].max() == 4

    def test_a_frozen_start_keeps_the_source_and_trains_the_head(self):
        source = transfer.fresh_net(FAST)
        net = transfer._start(FAST, source, "frozen", 0)
        trainable = {name for name, p in net.named_parameters() if p.requires_grad}
        assert trainable == {"head.weight", "head.bias"}
        torch.testing.assert_close(net.state_dict()["features.0.weight"],
                                   source.state_dict()["features.0.weight"])  # fmt: skip
        anew = transfer._start(FAST, source, "anew", 0)
        assert not torch.equal(anew.state_dict()["features.0.weight"],
                               source.state_dict()["features.0.weight"])  # fmt: skip

    def test_eval_freezes_nothing(self):
        assert transfer.still_trainable() == 4

    def test_warmed_arms_reach_the_cold_arms_rate(self):
        _, _, schedule = warm_up.ARMS[warm_up.WARMED]
        assert schedule is not None
        rates = schedule.preview(120, lr=warm_up.RATE)
        assert rates[0] == pytest.approx(warm_up.RATE)
        assert rates[-1] == pytest.approx(warm_up.RATE * warm_up.TIMES)

    def test_only_the_seminars_norm_mixes_rows(self):
        assert all_methods.cross_talk(all_methods.WholeBatchNorm(8)) > 0.1
        assert all_methods.cross_talk(nn.LayerNorm(8)) < 1e-6

    @pytest.mark.parametrize("name", all_methods.SHADES)
    def test_all_nets_take_both_image_sizes(self, name):
        for size in (8, 28):
            out = all_methods.net(name, size)(torch.zeros(2, 1, size, size))
            assert out.shape == (2, 10)
            assert math.isclose(out.exp().sum().item(), 2.0, rel_tol=1e-4)
