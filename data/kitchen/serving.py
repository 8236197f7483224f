"""A serving: the food of one picture, and what it weighs."""

import numpy as np
from shapes import Pile

DENSITY = {
    # Grams per cubic centimeter. Those with a number are USDA SR27's household weights (the food's number is given)
    # over the measure's volume: a US cup is 236.6 ml, a tablespoon 14.79 ml. The others are our assumptions.
    "apple": 0.86,  # assumption: whole apples just float (0.80 to 0.90)
    "avocado": 1.0,  # assumption
    "bacon": 0.95,  # assumption
    "bagel crumb": 0.42,  # assumption: denser than bread
    "banana": 0.95,  # assumption: bananas just float
    "beef": 1.05,  # assumption: lean meat, 1.04 to 1.07
    "berry": 0.95,  # assumption
    "biscuit": 0.60,  # assumption
    "bread": 0.29,  # assumption: soft white bread, mostly air
    "butter": 0.96,  # 01001: 14.2 g a tablespoon
    "cake": 0.48,  # assumption: layer cake with its filling
    "caramel": 1.35,  # assumption
    "cheese": 1.08,  # assumption: semi-hard cheese
    "cheesecake": 1.0,  # assumption: baked curd and cream
    "chocolate": 1.25,  # assumption: solid chocolate
    "cream": 0.45,  # assumption: whipped to twice its volume
    "crouton": 0.25,  # assumption
    "doughnut crumb": 0.34,  # assumption: yeast-raised
    "egg white": 1.03,  # assumption: cooked
    "egg yolk": 1.03,  # 01125: 243 g a cup
    "fish": 1.05,  # assumption
    "fries": 0.60,  # assumption: fried potato with its steam holes
    "herb": 0.5,  # assumption
    "ice cream": 0.56,  # 19095: 66 g half a cup
    "icing": 1.3,  # assumption: sugar icing
    "leaf": 0.80,  # assumption: lettuce, whose leaves hold air
    "pancake": 0.50,  # assumption
    "pasta": 1.08,  # assumption: cooked, drained
    "pizza crust": 0.45,  # assumption
    "rice": 0.95,  # assumption: pressed cooked rice
    "sauce": 1.12,  # 06931, marinara: 132 g half a cup
    "sausage": 1.02,  # assumption
    "seed": 1.0,  # assumption
    "soup": 1.05,  # 06559, tomato: 248 g a cup
    "sugar": 1.0,  # assumption: sprinkles
    "syrup": 1.40,  # 19353, maple: 83 g a quarter of a cup
    "tomato": 0.99,  # assumption
    "vegetable": 0.97,  # assumption
    "waffle": 0.42,  # assumption
}


class Serving:
    """Bodies of food around the origin, standing on z = 0, and their weight.

    Attributes
    ----------
    bodies : list of Body
        Everything edible.
    grams : float
        Sum of volume times density.
    well : ndarray, shape (k, 2), or None
        Inside of the bowl that the serving must have: (radius, z) knots from the center up to the surface of the
        liquid. None: any tableware does.
    pile : Pile
        Where the next body may be dropped.
    notes : list of str
        What the recipe chose.
    """

    def __init__(self):
        self.bodies, self.grams, self.well, self.pile, self.notes = [], 0.0, None, Pile(), []

    def add(self, body, stuff, share=1.0, volume=None, remember=True):
        """Put a body where it is, and weigh it.

        Parameters
        ----------
        body : Body
            Closed, unless ``volume`` is given.
        stuff : str
            A name in ``DENSITY``.
        share : float
            Share of its volume that counts (the rest overlaps something else).
        volume : float, optional
            Cubic centimeters, where the body is an open sheet.
        remember : bool
            Whether later bodies may lie on it.

        Returns
        -------
        Body
        """
        self.grams += DENSITY[stuff] * share * (body.volume() if volume is None else volume)
        self.bodies.append(body)
        if remember:
            self.pile.remember(body)
        return body

    def drop(self, body, stuff, sink=0.0, share=1.0, volume=None):
        """Let a body fall onto what lies there, and weigh it."""
        return self.add(self.pile.drop(body, sink, add=False), stuff, share, volume)

    def finish(self, rng):
        """Center the food and turn it to a random direction; call once, when everything is on."""
        points = np.concatenate([b.points for b in self.bodies])
        center = (points.min(0) + points.max(0)) / 2
        if self.well is not None:
            center[:] = 0
        angle = rng.uniform(0, 2 * np.pi)
        self.bodies = [b.moved(-center[0], -center[1]).turned(angle) for b in self.bodies]
        return self

    def extent(self):
        """Radius of the food seen from above at its foot and in all, and its height, in centimeters."""
        points = np.concatenate([b.points for b in self.bodies])
        reach = np.hypot(points[:, 0], points[:, 1])
        low = reach[points[:, 2] < 0.35 * points[:, 2].max() + 0.05]
        return low.max() if len(low) else reach.max(), reach.max(), points[:, 2].max()
