# %% [markdown]
# # Introduction to Deep Learning, on a plate
#
# You will build **MealoMi**: point a camera at your plate, and it names the food, estimates the portion, counts the
# energy and keeps your diary. You start with a single neuron and end with that app. On the way you write every part of
# a deep network yourself.
#
# You need some Python (functions, loops, a little NumPy) and school calculus (what a slope is). You need no GPU and,
# once the course is installed, no internet connection.

# %% [markdown]
# ## The map
#
# Run this cell: click into it and press **Shift + Enter**. The bars show your progress, which is kept on this machine
# for all notebooks together.

# %%
from introdl.figures.course_map import course_map

course_map()

# %% [markdown]
# ## The chapters
#
# <!-- chapters: made by autograder build -->
# | chapter | what you build | after | exercises | minutes |
# |---|---|---|---|---|
# | [00 Why deep learning?](00_why/00_why.ipynb) | the score of a game, you against a network; pictures and labels as numbers | – | 6 and a quiz | 95 |
# | [01 Regression versus classification](01_regression_classification/01_regression_classification.ipynb) | honest splits and folds, color histograms, least squares, nearest neighbors, boxes, and the numbers that judge them | 00 | 9 and a quiz | 190 |
# | [02 Neurons and activations](02_neurons/02_neurons.ipynb) | a neuron that you train, a layer, a network that solves XOR | 01 | 13 and a quiz | 160 |
# | [03 Convolution](03_convolution/03_convolution.ipynb) | kernels that find edges, one that learns to, and a whole convolution layer, with loops and as one matrix product | 02 | 10 and a quiz | 210 |
# | [04 Pooling, shapes and what a layer sees](04_pooling/04_pooling.ipynb) | pooling, receptive fields, LeNet-5 in numbers, a whole CNN forward | 03 | 7 and a quiz | 130 |
# | [05 Losses](05_losses/05_losses.ipynb) | hinge, cross-entropy and binary cross-entropy with their gradients, a penalty, and Huber's loss | 02 | 9 and a quiz | 210 |
# | [06 Backpropagation](06_backpropagation/06_backpropagation.ipynb) | a gradient check, an autograd engine, the backward pass of five layers, and a network that learns | 04, 05 | 9 and a quiz | 240 |
# | [07 Stochastic gradient descent](07_sgd/07_sgd.ipynb) | mini-batches, momentum, Adam, schedules, and a LeNet that you train on digits | 06 | 9 and a quiz | 180 |
# | [08 From NumPy to CUDA](08_cuda/08_cuda.ipynb) | an honest stopwatch, a roofline, a training step and its evaluation, mixed precision | 07 | 8 and a quiz | 110 |
# | [09 A food CNN from scratch](09_food_cnn/09_food_cnn.ipynb) | a dataset of photographs, augmentation, your own network under a budget, checkpoints, and a look at its mistakes | 08 | 7 and a quiz | 115 |
# | [10 What the network sees](10_what_it_sees/10_what_it_sees.ipynb) | feature maps, occlusion, saliency, Grad-CAM, and the picture that a channel would love | 09 | 8 and a quiz | 90 |
# | [11 Fine-tuning](11_finetuning/11_finetuning.ipynb) | ResNet-18, block by block; published weights by name; a new menu from few pictures | 09 | 7 and a quiz | 105 |
# | [12 MealoMi](12_mealomi/12_mealomi.ipynb) | a loss for three heads, one box for each plate, calibration, the Nutri-Score, a diary's totals, and the app | 11 | 8 and a quiz | 130 |
# | [13 Faces and plates: verification](13_verification/13_verification.ipynb) | contrastive and triplet loss, honest pairs, ROC, and the protocol of Labeled Faces in the Wild | 11 | 8 and a quiz | 90 |
# | **all** | | | **118 and 14 quizzes** | **34 hours** |
# <!-- end of chapters -->
#
# Open one with a click. `after` names the chapters that it leans on. The minutes are a guess; more than half of them go to the
# exercises.

# %% [markdown]
# ## How it works
#
# Each chapter is a notebook. You read a little, run a cell (**Shift + Enter**), move a figure, and write a function.
#
# Below every exercise there is a cell with `check(...)`. Run it, and it tries your function on several inputs and
# tells you right away what is correct. Where something is not right yet, it shows the first difference, and very
# often it can name the mistake. You can check as often as you like, and nothing leaves your machine.
#
# For a word that you do not know, look in the [glossary](glossary.ipynb). It has every term that the chapters
# explain.
#
# If you are stuck, make a new cell and run `hint("03.conv2d")`, with the name of your exercise. Each call shows one
# more hint.
#
# Two rules hold in every exercise:
#
# - **Return the result**, as the docstring says: a NumPy array where it says array, a number where it says number.
# - **Leave the inputs as they are.** Whoever calls your function still needs them. Work on a copy.

# %% [markdown]
# ## How far you are
#
# Exercise by exercise:

# %%
from introdl import progress

progress()
