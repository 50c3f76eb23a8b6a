"""A plugin for pytest: the files of a suite, and the tests of each, in another order.

SHUFFLE=7 is a seed: it gives the same order each time. Tests of one file stay together, because
they share a browser.
"""

import os
import random


def pytest_collection_modifyitems(items):
    chance = random.Random(os.environ["SHUFFLE"])
    order = {item.path: chance.random() for item in items}
    items.sort(key=lambda item: (order[item.path], chance.random()))
