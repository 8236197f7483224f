# %% [markdown]
# # Introduction to Deep Learning, on a plate
#
# You will build **MealoMi**: point a camera at your plate, and it names the food, estimates the portion, counts the
# energy and keeps your diary. You start with a single neuron and end with that app. On the way you write every part of
# a deep network yourself.
#
# You need some Python (functions, loops, a little NumPy) and school calculus (what a slope is). You need no GPU and,
# once the course is installed, no network.

# %% [markdown]
# ## The chapters
#
# | chapter | what you build | minutes |
# |---|---|---|
# | [00 Why deep learning?](00_why/00_why.ipynb) | the score of a game, you against a network; pictures and labels as numbers | 75 |
# | [01 Regression versus classification](01_regression_classification/01_regression_classification.ipynb) | honest splits, least squares, nearest neighbours, and boxes | 90 |
# | [02 Neurons and activations](02_neurons/02_neurons.ipynb) | a neuron, a layer, a network that solves XOR | 75 |
# | [03 Convolution](03_convolution/03_convolution.ipynb) | kernels that see edges, and the layer that learns them | 90 |
# | [04 Pooling and shapes](04_pooling/04_pooling.ipynb) | pooling, what a neuron sees, a whole CNN forward | 90 |
# | [05 Losses](05_losses/05_losses.ipynb) | two losses and their gradients, a penalty, and Huber's loss | 90 |
# | [06 Backpropagation](06_backpropagation/06_backpropagation.ipynb) | a gradient check, an autograd engine, layers backwards | 90 |
# | [07 Stochastic gradient descent](07_sgd/07_sgd.ipynb) | three optimisers, and a LeNet that you train on digits | 90 |
# | [08 From NumPy to CUDA](08_cuda/08_cuda.ipynb) | an honest stopwatch, a roofline, a training step | 90 |
# | [12 MealoMi](12_mealomi/12_mealomi.ipynb) | a loss for three heads, energy, the Nutri-Score, a diary, and the app | 90 |
#
# Open one with a click. The other chapters are being written.

# %% [markdown]
# ## How it works
#
# Each chapter is a notebook. You read a little, run a cell (**Shift + Enter**), move a figure, and write a function.
#
# Below every exercise stands a cell with `check(...)`. Run it. It tries your function on several inputs and tells you
# at once what is right. Where it is not right yet, it shows the first difference, and very often it knows which mistake
# it is. You can check as often as you like. Nothing leaves your machine.
#
# Stuck? Make a new cell and run `hint("03.conv2d")` with the exercise's name. Each call shows one more hint.
#
# Two rules hold in every exercise:
#
# - **Return the result**, as the docstring says: a NumPy array where it says array, a number where it says number.
# - **Leave the inputs as they are.** Whoever calls your function still needs them. Work on a copy.

# %% [markdown]
# ## How far you are
#
# Run this cell. Your progress is kept on this machine, for all notebooks together.

# %%
from introdl import progress

progress()
