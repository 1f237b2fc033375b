"""Runs of initial weights, which are exported as trained ones are."""

import json
from functools import cache

import numpy as np
import torch

import inference
import jets
from inference.completed import completed
from inference.folder import WEIGHTS, RunFolder
from inference.run import Run
from models import build
from recipes import names


def untrained(path, name, changes=None, count=60):
    """A complete run folder of initial weights, and some of its jets."""
    recipe = inference.read(name, {"training.epochs": 1} | (changes or {}))
    sample = jets.load(*recipe.data.files)
    sample = sample[np.arange(0, len(sample), max(1, len(sample) // count))]
    recipe = completed(recipe, sample)
    folder = RunFolder.create(path, recipe, sample)
    torch.manual_seed(0)
    folder.save(WEIGHTS, build(recipe.model, recipe.image.pixels**2).state_dict())
    folder.write_text("history.csv", "epoch,loss,reconstruction,kl\n1,3.0,2.0,1.0\n")
    return Run.open(path, sample)


@cache
def distinct():
    """Recipe -> those after it that are the same model of other jets."""
    found = {}
    for name in names():
        recipe = inference.read(name)
        key = json.dumps([recipe.model.model_dump(mode="json"), recipe.image.model_dump(mode="json")])
        found.setdefault(key, []).append(name)
    return list(found.values())
