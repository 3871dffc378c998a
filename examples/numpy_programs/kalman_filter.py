"""A Kalman filter: how likely are noisy sightings of something that moves with a steady speed?

Written for NumPy; nothing here knows of derivatives.
"""

import numpy as np


def example(rng):
    """Parameters (logarithms of the noise, and the drag), and the sightings they explain."""
    places = np.cumsum(1.0 + 0.3 * rng.normal(size=(40, 2)), axis=0)
    sightings = places + 0.5 * rng.normal(size=places.shape)
    parameters = {
        "log_process": np.array([-1.0, -2.0]),
        "log_sight": np.array(-0.5),
        "drag": np.array(0.1),
    }
    return parameters, sightings


def objective(parameters, sightings):
    """The negative log-likelihood of the sightings, by the prediction error decomposition."""
    step = 1.0
    keep = 1.0 - parameters["drag"]
    zero, one = 0.0 * keep, 1.0 + 0.0 * keep
    # Place and speed, in two directions.
    motion = np.stack([np.stack([one, step * one]), np.stack([zero, keep])])
    motion = np.kron(np.eye(2), motion)
    process = np.kron(np.eye(2), np.diag(np.exp(2.0 * parameters["log_process"])))
    look = np.kron(np.eye(2), np.array([[1.0, 0.0]]))
    sight = np.exp(2.0 * parameters["log_sight"]) * np.eye(2)

    state, spread = np.zeros(4), 10.0 * np.eye(4)
    total = 0.0
    for sighting in sightings:
        state = motion @ state
        spread = motion @ spread @ motion.T + process
        surprise = sighting - look @ state
        expected = look @ spread @ look.T + sight
        _, logdet = np.linalg.slogdet(expected)
        total = total + 0.5 * (
            surprise @ np.linalg.solve(expected, surprise) + logdet + 2.0 * np.log(2.0 * np.pi)
        )
        gain = spread @ look.T @ np.linalg.inv(expected)
        state = state + gain @ surprise
        spread = (np.eye(4) - gain @ look) @ spread
    return total
