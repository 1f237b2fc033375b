"""The commands, one file each: ``add(parser)`` declares the options, ``run(options)`` does the work.

A file imports at its top what parsing needs, and within ``run`` what the work needs, so that help costs nothing. The
first line of its docstring is its description.
"""

GROUPS = {
    "data": {
        "inspect": "what is in a file of jets, of any known format",
        "convert": "files of jets, of any known format, into one HDF5 file",
        "simulate": "simulate jets with Pythia and a light detector",
    },
    "training": {
        "train": "train a VAE, or a scan of them",
        "resume": "finish a training or a scan that was interrupted, or prolong it",
        "work": "train runs of a scan that no other process trains, anywhere",
    },
    "one run": {
        "summary": "numbers: AUC of each score, KL of each coordinate, ELBO",
        "dimension": "dimension, KL and distortion against resolution",
        "meaning": "which observable each latent coordinate follows",
        "information": "mutual information of latents and jets, and where the KL goes",
        "anomaly": "how well each score finds anomalous jets",
        "trust": "whether the approximate posterior can be trusted",
        "nuts": "reference posteriors of single jets by NUTS",
    },
    "a run's answers": {
        "encode": "latents and every score of all jets of any files, as a table",
        "generate": "jets or images from a run's prior",
        "export": "a run as ONNX and TorchScript, or as one file to share",
        "open": "a run that was shared as one file",
    },
    "several runs": {
        "topology": "rank the latent spaces of a scan by held-out ln p(x)",
        "league": "rank latent topologies on vectors by raced restarts",
        "discover": "search for the manifolds that vectors or jets lie on",
    },
    "jets, without a run": {
        "search": "an excess of odd jets in a window of the mass, with a p-value",
    },
    "pages": {
        "report": "one HTML page on a run, a scan, two runs, or studies",
        "study": "repeat a study of latent spaces: a figure, numbers, a sentence",
        "draw": "single figures: latent spaces, hysteresis, several samples",
    },
}
"""Title -> command -> what it does; the order of ``jetvae --help``."""
COMMANDS = {name: about for commands in GROUPS.values() for name, about in commands.items()}
"""Command -> what it does."""
