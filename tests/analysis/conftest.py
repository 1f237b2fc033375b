"""Runs and trees that several rooms share; a headless Chromium, driven through its DevTools protocol over two pipes."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import analysis
import inference

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = "--headless --no-sandbox --disable-gpu --remote-debugging-pipe --no-first-run --disable-extensions"


def find():
    """The browser's path, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One tab. ``log`` holds console messages and uncaught errors, ``requests`` the addresses asked for."""

    def __init__(self, path):
        self.folder = tempfile.mkdtemp(prefix="browser-")
        from_us, to_browser = os.pipe()
        from_browser, to_us = os.pipe()
        command = f'exec "{path}" {OPTIONS} --user-data-dir="{self.folder}" 3<&{from_us} 4>&{to_us}'
        self.process = subprocess.Popen(
            ["bash", "-c", command], pass_fds=(from_us, to_us), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(from_us), os.close(to_us)
        self.input, self.output = os.fdopen(to_browser, "wb"), os.fdopen(from_browser, "rb")
        self.count, self.rest, self.session = 0, b"", None
        self.log, self.requests, self.loaded = [], [], False
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.session = None
        self.call("Browser.close")
        self.process.wait(10)
        self.input.close(), self.output.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method, **parameters):
        """Call a method and return its result."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.input.write(json.dumps(message).encode() + b"\0")
        self.input.flush()
        while True:
            answer = self.read()
            if answer.get("id") == self.count:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def read(self):
        """Read one message; events are noted."""
        while b"\0" not in self.rest:
            new = os.read(self.output.fileno(), 1 << 20)
            assert new, "the browser closed its pipe"
            self.rest += new
        head, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(head)
        self.note(message.get("method"), message.get("params", {}))
        return message

    def note(self, method, parameters):
        if method == "Runtime.exceptionThrown":
            self.log.append(parameters["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
            self.log.append(str(parameters["args"]))
        elif method == "Log.entryAdded":
            self.log.append(parameters["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Page.loadEventFired":
            self.loaded = True

    def open(self, path, width=1280, height=900, *, dark=False):
        """Open a file at a window size, in light or dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.loaded = False
        self.call("Page.navigate", url=Path(path).resolve().as_uri())
        while not self.loaded:
            self.read()

    def evaluate(self, expression):
        """Return the value of a JavaScript expression."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def mouse(self, x, y, kind="mouseMoved", **more):
        """Move the mouse, or press or release its button."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x, y):
        """Click."""
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(x, y, kind, button="left", clickCount=1)

    def key(self, name):
        """Press a key."""
        codes = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9, " ": 32}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=codes[name])

    def screenshot(self, path):
        """Write a PNG of the whole page."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        time.sleep(0.1)
        data = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]
        Path(path).write_bytes(base64.b64decode(data))


@pytest.fixture(scope="session")
def browser():
    path = find()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is found")
    with Browser(path) as tab:
        yield tab


@pytest.fixture(scope="session")
def tree(trained, sample):
    """The short training of the Dirichlet VAE, evaluated on its held-out jets."""
    return analysis.evaluate(trained, sample)


@pytest.fixture(scope="session")
def range_run(tmp_path_factory):
    """A short training on vectors for a range of resolutions."""
    changes = {"data.files": ["toy:gaussian(spectrum=4,1, n=3000)"], "model.latent": "R2 x S1"}
    recipe = inference.read("vae-gaussian", changes | {"model.beta": [0.5, 8], "training.epochs": 3})
    return inference.train(recipe, tmp_path_factory.mktemp("range") / "run")


@pytest.fixture(scope="session")
def known_tree():
    """4,000 W-like jets whose latents are: a circle of q1 - q2, its angle, the mass squared, noise."""
    random, count = np.random.default_rng(0), 4000
    azimuth, mass = random.uniform(-np.pi, np.pi, count), random.normal(80, 5, count)
    size, share = random.uniform(0.3, 0.6, count), random.uniform(0.5, 0.9, count)
    swap, soft, noise = random.random((3, count))
    columns = {
        "jet_mass": mass,
        "dR_q1q2": size,
        "z_q1": np.where(swap < 0.5, share, 1 - share),
        "z_g": np.where(soft < 0.01, -1.0, soft / 2),
        **{"q1_pt": share, "q1_deta": np.cos(azimuth), "q1_dphi": np.sin(azimuth)},
        **{"q2_pt": 1 - share, "q2_deta": 0 * mass, "q2_dphi": 0 * mass},
    }
    z = np.stack([size * np.cos(azimuth), size * np.sin(azimuth), -(mass**2), noise, azimuth], 1)
    labels = {
        "coordinate": ["R4_0", "R4_1", "R4_2", "R4_3", "S1_0"],
        "factor": ("coordinate", ["R4"] * 4 + ["S1"]),
        "kind": ("coordinate", ["real"] * 4 + ["angle"]),
        "unit": ("coordinate", [""] * 4 + ["rad"]),
    }
    points = xr.Dataset({"point": (("jet", "coordinate"), z)}, labels)
    known = {name: ("jet", value) for name, value in columns.items()} | {"class_name": ("jet", ["w"] * count)}
    tree = xr.DataTree.from_dict({"guide_params": points, "constant_data": xr.Dataset(known)})
    tree.attrs["classes"] = ["w"]
    return tree
