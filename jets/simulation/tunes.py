"""Pythia's tunes to proton collisions: which there are, and which can be had with the parton densities it brings."""

from __future__ import annotations

DEFAULT = 14
"""Monash 2013, Pythia's own."""
TUNES: dict[int, str] = {
    1: "of before 8.127",
    2: "1",
    3: "2C",
    4: "2M",
    5: "4C",
    6: "4Cx",
    7: "ATLAS A2 CTEQ6L1",
    8: "ATLAS A2 MSTW2008LO",
    9: "ATLAS AU2 CTEQ6L1",
    10: "ATLAS AU2 MSTW2008LO",
    12: "ATLAS AU2 MRST2007LO*",
    13: "ATLAS AU2 MRST2007LO**",
    14: "Monash 2013",
    15: "CMS CUETP8S1 CTEQ6L1",
    18: "CMS MonashStar (CUETP8M1)",
    19: "ATLAS A14 CTEQL1",
    20: "ATLAS A14 MSTW2008LO",
    21: "ATLAS A14 NNPDF2.3LO",
    23: "ATLAS A14 variation 1+",
    24: "ATLAS A14 variation 1-",
    25: "ATLAS A14 variation 2+",
    26: "ATLAS A14 variation 2-",
    27: "ATLAS A14 variation 3a+",
    28: "ATLAS A14 variation 3a-",
    29: "ATLAS A14 variation 3b+",
    30: "ATLAS A14 variation 3b-",
    31: "ATLAS A14 variation 3c+",
    32: "ATLAS A14 variation 3c-",
    33: "Detroit",
}
"""Number of ``Tune:pp`` in Pythia 8.317 -> its name (pythia.org/latest-manual/Tunes.html)."""
NOT_HERE: dict[int, str] = {
    11: "ATLAS AU2 CT10",
    16: "CMS CUETP8S1 HERAPDF1.5LO",
    17: "ATLAS AZ",
    22: "ATLAS A14 HERAPDF1.5LO",
}
"""Those whose parton densities Pythia has from LHAPDF alone."""


def why_not(tune: int, shower: str) -> str:
    """Say why a sample cannot have a tune, and what to give; "" where it can.

    >>> why_not(21, "simple"), why_not(22, "simple")
    ('', 'tune 22 (ATLAS A14 HERAPDF1.5LO) needs parton densities of LHAPDF, which is not here: give another --tune')
    """
    if tune in NOT_HERE:
        return (
            f"tune {tune} ({NOT_HERE[tune]}) needs parton densities of LHAPDF, which is not here: give another --tune"
        )
    if tune not in TUNES:
        known = f"Pythia 8.317 has 1 to 33, of which {', '.join(map(str, NOT_HERE))} need LHAPDF"
        return f"tune is {tune}; {known}: --tune {DEFAULT} is {TUNES[DEFAULT]}, 21 {TUNES[21]}"
    if tune != DEFAULT and shower != "simple":
        return f"tunes are of Pythia's simple shower, {shower} brings its own: leave out --tune or --shower {shower}"
    return ""
