"""A blurred signal made sharp again: what signal, blurred, comes nearest to the one seen?

Written for NumPy; nothing here knows of derivatives. The blur is a convolution, done by Fourier
transforms; jumps are allowed but cost something (total variation, smoothed near zero).
"""

import numpy as np


def example(rng):
    """A first guess with the width of the blur, and the signal seen."""
    places = np.arange(64)
    true = np.where((places > 15) & (places < 30), 1.0, 0.0) + 0.5 * (places > 45)
    blur = np.exp(-0.5 * (np.minimum(places, 64 - places) / 2.0) ** 2)
    seen = np.fft.irfft(np.fft.rfft(true) * np.fft.rfft(blur / blur.sum()), 64)
    seen = seen + 0.01 * rng.normal(size=64)
    return {"signal": seen + 0.05 * rng.normal(size=64), "log_width": np.array(0.6)}, seen


def objective(parameters, seen):
    """The squared distance to what was seen, with the price of jumps and of loud frequencies."""
    signal, width = parameters["signal"], np.exp(parameters["log_width"])
    n = len(seen)
    distance = np.minimum(np.arange(n), n - np.arange(n))
    blur = np.exp(-0.5 * (distance / width) ** 2)
    blur = blur / np.sum(blur)
    spectrum = np.fft.rfft(signal)
    blurred = np.fft.irfft(spectrum * np.fft.rfft(blur), n)
    jumps = np.diff(signal, append=signal[:1])
    roughness = np.sum(np.sqrt(jumps**2 + 1e-3))
    loudness = np.sum(np.abs(spectrum[1:]) ** 2 * np.arange(1, n // 2 + 1)) / n**2
    return np.sum((blurred - seen) ** 2) + 0.01 * roughness + 1e-3 * loudness
