"""The marginal likelihood of a Gaussian process, by which its length scales are chosen.

Written for NumPy; nothing here knows of derivatives. Rasmussen and Williams, "Gaussian processes
for machine learning" (2006), algorithm 2.1.
"""

import numpy as np


def example(rng):
    """Logarithms of scales and noise, and points with their values."""
    points = rng.uniform(-3.0, 3.0, size=(30, 2))
    values = np.sin(points[:, 0]) * np.cos(0.5 * points[:, 1]) + 0.1 * rng.normal(size=30)
    parameters = {
        "log_lengths": np.array([0.2, 0.6]),
        "log_size": np.array(0.1),
        "log_noise": np.array(-2.0),
        "mean": np.array(0.05),
    }
    return parameters, (points, values)


def kernel(x, y, lengths, size):
    """Covariances that fall off with the square of the distance."""
    difference = (x[:, None, :] - y[None, :, :]) / lengths
    return size**2 * np.exp(-0.5 * np.sum(difference**2, axis=-1))


def objective(parameters, data):
    """The negative logarithm of the marginal likelihood."""
    points, values = data
    n = len(points)
    covariance = kernel(
        points, points, np.exp(parameters["log_lengths"]), np.exp(parameters["log_size"])
    )
    covariance = covariance + np.exp(2.0 * parameters["log_noise"]) * np.eye(n)
    low = np.linalg.cholesky(covariance)
    left = values - parameters["mean"]
    weights = np.linalg.solve(low.T, np.linalg.solve(low, left))
    return (
        0.5 * np.dot(left, weights)
        + np.sum(np.log(np.diagonal(low)))
        + 0.5 * n * np.log(2.0 * np.pi)
    )
