"""Correlation filters over positions and over sizes, learned in closed form in the Fourier domain.

Danelljan et al., BMVC 2014: for features f of C channels and a wanted response g, the filter of channel c is
A_c / (B + lambda) with A_c = conj(G) F_c and B = sum_c |F_c|^2 (equations 4 and 5), both as running means; new
features z respond by the inverse transform of sum_c conj(A_c) Z_c / (B + lambda) (equation 6).
"""

import numpy as np
from numpy.typing import NDArray

from vos_bench.methods.correlation_filter.features import Features

_FLOOR = 1e-9
"""Keeps the response of a patch without any structure at zero."""


class Filter:
    """A filter over the last axes of its features; the first axis holds channels."""

    def __init__(self, wanted: NDArray[np.float32], *, regularisation: float, rate: float) -> None:
        """Set the wanted response, with its peak at index zero of every axis; `rate` is the newest features' share.

        `regularisation` is added to the denominator, as a share of its mean.
        """
        self._axes = tuple(range(1, wanted.ndim + 1))
        self._wanted = np.conj(np.fft.fftn(wanted))
        self._window = _window(wanted.shape)
        self._regularisation, self._rate = regularisation, rate
        self._numerator: NDArray[np.complexfloating] | None = None

    def learn(self, features: Features) -> None:
        """Take in features of the object at its place; the first ones wholly, later ones by the rate."""
        spectrum = self._spectrum(features)
        numerator = self._wanted * spectrum
        denominator = (np.abs(spectrum) ** 2).sum(axis=0)
        if self._numerator is None:
            self._numerator, self._denominator = numerator, denominator
        else:
            self._numerator = self._numerator + self._rate * (numerator - self._numerator)
            self._denominator = self._denominator + self._rate * (denominator - self._denominator)

    def respond(self, features: Features) -> NDArray[np.float64]:
        """Return the response at every shift; index zero stands for no shift, negative shifts wrap round."""
        assert self._numerator is not None
        total = (np.conj(self._numerator) * self._spectrum(features)).sum(axis=0)
        floor = self._regularisation * self._denominator.mean() + _FLOOR
        response: NDArray[np.float64] = np.fft.ifftn(total / (self._denominator + floor)).real
        return response

    def _spectrum(self, features: Features) -> NDArray[np.complexfloating]:
        centred = features - features.mean(axis=self._axes, keepdims=True)
        spectrum: NDArray[np.complexfloating] = np.fft.fftn(centred * self._window, axes=self._axes)
        return spectrum


def gaussian(shape: tuple[int, ...], spreads: tuple[float, ...]) -> NDArray[np.float32]:
    """Return a bump of height one at index zero, wrapping round; `spreads` are standard deviations along each axis."""
    bump = np.ones(shape)
    for axis, (n, spread) in enumerate(zip(shape, spreads, strict=True)):
        distance = np.fft.fftfreq(n, 1 / n).reshape([-1 if a == axis else 1 for a in range(len(shape))])
        bump = bump * np.exp(-0.5 * (distance / spread) ** 2)
    return bump.astype(np.float32)


def peak(response: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Find the highest response.

    Returns:
        The signed shift along each axis, refined by a parabola through the neighbours; and the peak-to-sidelobe ratio
        (Bolme et al., CVPR 2010, section 3.5): height above the mean of all but the peak's surroundings, in their
        standard deviations.
    """
    at = np.unravel_index(int(response.argmax()), response.shape)
    shift = np.array([_refined(response, at, axis) for axis in range(response.ndim)])
    aside = np.ones(response.shape, np.bool_)
    near = (np.arange(i - n // 10 - 1, i + n // 10 + 2) % n for i, n in zip(at, response.shape, strict=True))
    aside[np.ix_(*near)] = False
    if not aside.any():
        return shift, 0.0
    rest = response[aside]
    return shift, float((response[at] - rest.mean()) / (rest.std() + 1e-9))


def _refined(response: NDArray[np.float64], at: tuple[np.intp, ...], axis: int) -> float:
    n, i = response.shape[axis], int(at[axis])
    line = response[tuple(slice(None) if a == axis else k for a, k in enumerate(at))]
    before, here, after = line[(i - 1) % n], line[i], line[(i + 1) % n]
    bend = before - 2 * here + after
    fraction = 0.5 * (before - after) / bend if bend < -1e-12 else 0.0
    return (i if i <= n // 2 else i - n) + float(np.clip(fraction, -0.5, 0.5))


def _window(shape: tuple[int, ...]) -> NDArray[np.float32]:
    window = np.ones(shape)
    for axis, n in enumerate(shape):
        window = window * np.hanning(n + 2)[1:-1].reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return window.astype(np.float32)
