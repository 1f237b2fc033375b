"""What the schedules of a recipe say at each step: learning rate, resolution, weight and capacity of the KL."""

from __future__ import annotations

from inference.objective import Controls
from inference.replicas import Replica
from inference.schedules import plateau_factor


def control_values(replica: Replica, progress: float) -> Controls:
    """Return the controls of one replica at ``progress`` in 0..1, as floats."""
    recipe, training, schedule = replica.recipe, replica.recipe.training, replica.recipe.schedule
    factor = plateau_factor(replica.history.validation_losses, training.plateau, 0.5)
    return Controls(
        lr=schedule.lr.to(training.lr)(progress) * factor,  # type: ignore[arg-type]
        beta=schedule.beta.to(recipe.model.beta.typical)(progress),  # type: ignore[arg-type]
        kl_weight=schedule.kl_weight.to(training.kl_weight)(progress),  # type: ignore[arg-type]
        capacity=schedule.capacity.to(training.capacity or 0.0)(progress),  # type: ignore[arg-type]
    )
