# %% [markdown]
# # 10 What the network sees
#
# Your network names dishes, but how does it do that? Nobody told it what a yolk is, or a sesame seed. In this chapter
# you look inside: at its filters, at the maps between its layers, and at the parts of a picture that change its answer.
# You build the instruments for that yourself. Then you test them, because a beautiful picture may say nothing at all.
#
# **When you are done, you can**
#
# - record the output of any layer with a hook, and leave the network as it was;
# - say what early and late layers respond to, and show the pictures behind that claim;
# - find the places that matter for a decision in three ways: occlusion, saliency and Grad-CAM;
# - make a network draw a picture that activates one of its units;
# - say what such pictures do *not* prove, with numbers.
#
# **What you build**: `feature_maps`, `top_activating`, `occlusion_map`, `saliency`, `grad_cam`, `maximize_activation`,
# `nearest_neighbors` and `pointing_game`.
#
# **Time**: about 90 minutes. **You need**: convolution (chapter 03), receptive fields (04), autograd and evaluation
# mode (08), and a trained network like the one of chapter 09.

# %%
from collections import OrderedDict

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from introdl import check, data, figures, hint, inspection, models
from introdl.experiments import pointing, records
from introdl.figures import what_it_sees as figs

figures.use_style()

# %% tags=["parameters"]
seed = 10  # of random weights and of the noise that pictures start from
pictures = 144  # how many test plates are looked at
steps = 32  # of each climb in section 8
draw_size = 96  # side, in pixels, of the pictures that are drawn there

# %% [markdown]
# ## 1. A network as a chain of steps
#
# The network of this chapter comes with the course: `plates-128`, five stages of convolution, pooling, batch
# normalization and ReLU, a mean over space, and a dense layer. It was trained on 4,032 rendered plates of 128 x 128
# pixels, and everything that you see below is about rendered plates: photographs of real meals were never shown to it.
#
# We write it as a chain of named steps and put the normalization of pictures in front, so that the chain takes pictures
# with values from 0 to 1. The names tell an instrument where to look: `stages.2`, or `stages.2.0` for the convolution
# in it.

# %%
trained = models.pretrained("plates-128")
card = trained.card
dishes = card.classes
net = nn.Sequential(
    OrderedDict(
        normalize=inspection.Normalize(card.mean, card.std),
        stages=trained.stages,
        average=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        head=trained.head,
    )
).eval()
print(f"{len(dishes)} dishes, {card.test['accuracy']:.1%} of {card.test['pictures']} test plates right when it was made")
for name, part in net.named_modules():
    if name.count(".") == 1:
        print(f"{name}: {part[0].in_channels} -> {part[0].out_channels} channels")

# %%
test = data.plates().split("test")
test = test.subset(np.linspace(0, len(test) - 1, pictures).astype(int))  # of all dishes
x = inspection.as_pictures(test.images)  # (N, 3, 128, 128), from 0 to 1
with torch.no_grad():
    scores = torch.cat([net(some) for some in x.split(32)])
named = scores.argmax(dim=1).numpy()
print(f"{(named == test.labels).mean():.1%} of these {len(test)} plates are named correctly")


def plate_of(dish, which=0):
    """Index of a test plate of a dish that the network names correctly."""
    right = np.flatnonzero((test.labels == dishes.index(dish)) & (named == test.labels))
    return int(right[min(which, len(right) - 1)])


shown = [plate_of(dish) for dish in ("pizza", "fried_eggs", "burger", "sushi", "banana", "salad")]
labels = [figs.name_of(dishes[test.labels[n]]) for n in shown]

# %% [markdown]
# ## 2. The first filters
#
# A filter of the first layer has three channels, like a color picture. So you can look at it *as* a picture of 3 x 3
# pixels, and its output is large where the plate looks like it. Each filter is scaled by its own largest weight, and
# middle gray is 0.

# %%
figs.filters(net.get_submodule("stages.0.0").weight)

# %% [markdown]
# Do you see edges? Hardly. Pictures of filters became famous with AlexNet, whose first filters have 11 x 11 pixels
# ([Krizhevsky and others,
# 2012](https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks), figure 3)
# and show stripes and blobs of color. Nine pixels are too few for that, and weights that hardly matter stay near the
# random numbers that they started with. So do not read too much into weights, even where they can be shown.
#
# A filter of the second layer has 32 channels. It cannot be shown as one picture, and its input is not a plate but 32
# maps, so a picture would not mean much. From here on you look at the layers' *outputs* instead of their weights.
#
# ## 3. Feature maps
#
# A layer's output for a picture is a stack of **feature maps**, one for each channel. `model(x)` returns only the last
# layer's output. To record an earlier one, register a **forward hook** on the layer: a function that torch calls after
# each forward pass of that layer, with the module, its inputs and its output.

# %%
caught = []


def keep(module, inputs, output):
    caught.append(output.shape)


handle = net.get_submodule("stages.1").register_forward_hook(keep)
with torch.no_grad():
    net(x[:2])
    handle.remove()
    net(x[:2])  # the hook is gone: nothing is caught any more
print(caught)

# %% [markdown]
# An instrument should not change what it measures. There are four ways to break that rule, and each is a bug that shows
# up much later:
#
# - the **hook** is never removed, and runs in every forward pass from then on;
# - the recorded maps keep their **graph**, and with it the activations of all layers before them;
# - **batch normalization** in training mode gives different maps, and moves its running statistics;
# - the network is left in **another mode** than before. A mode belongs to every part: a network may be in training mode
#   with some of its BatchNorm layers in evaluation mode (chapter 11 does that), and `model.train()` would switch them
#   all.
#
# ### Exercise: `feature_maps`

# %% exercise="10.feature_maps"
def feature_maps(model, layer, x):
    """Return the output of a layer for some pictures.

    Parameters
    ----------
    model : torch.nn.Module
        It may be in training mode, as a whole or in parts. Run it in evaluation mode, and restore
        the mode of every part afterwards.
    layer : str
        The layer's name, as in "stages.2" or "stages.2.0": model.get_submodule(layer) finds it.
    x : torch.Tensor
        Pictures, (N, C, H, W).

    Returns
    -------
    torch.Tensor
        The layer's output, (N, channels, h, w), without a graph. The hook is removed.

    Example
    -------
    >>> feature_maps(net, "stages.0", torch.zeros(2, 3, 128, 128)).shape
    torch.Size([2, 32, 64, 64])
    """
    ### BEGIN SOLUTION
    found = []
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: found.append(output))
    training = [part for part in model.modules() if part.training]
    model.eval()
    with torch.no_grad():
        model(x)
    handle.remove()
    for part in training:
        part.training = True
    return found[0]
    ### END SOLUTION

# %% check="10.feature_maps"
check("10.feature_maps", feature_maps)

# %% [markdown]
# (The next cells use the course's own instruments from `introdl.inspection`, so that they run before you have written
# yours. When a check is green, use your own function instead.)
#
# Here is one plate on its way through the network. Each row shows the most active maps of a stage; bright means active.

# %%
stages = [f"stages.{k}" for k in range(5)]
figs.by_layer(net, test.images[shown[1]], stages)

# %% [markdown]
# From stage to stage the maps get **smaller**: 64, 32, 16, 8, 4 pixels. Each position sees **more** of the plate: 4,
# 10, 22, 46 and 94 pixels (your `receptive_field` of chapter 04 gives these numbers). And the maps get **more
# selective**: outlines light up everywhere, but a late channel only in a few places, or nowhere.
#
# 1. Choose `stages.0` and go through the plates. Can you tell from its maps what is on them?
# 2. Choose `stages.4` and compare two dishes. Are the same channels bright?
# 3. In which stage are most maps dark?
#
# <details><summary>What you should have seen</summary>
#
# The maps of `stages.0` are blurred or edged copies of the plate, so you can usually name the dish from them. Those of
# `stages.4` have 4 x 4 pixels and show no outline, but the bright channels differ from dish to dish: the dish is now
# encoded in *which* channels are active. Most maps are dark in the late stages, since each channel there responds to
# few plates.
# </details>

# %% tags=["demo"]
figs.maps_explorer(net, test.images[shown], labels, stages)

# %% [markdown]
# ## 4. What does a channel respond to?
#
# To find out, show the network many plates and look at the places where the channel is most active. That is a common
# way to interpret a channel; [Girshick and others](https://arxiv.org/abs/1311.2524), for example, did it in 2013. A
# related idea from the same year is the *deconvolutional network* of [Zeiler and
# Fergus](https://arxiv.org/abs/1311.2901), which projects an activation back to the pixels that caused it. (Their
# figures show both, the projections next to the patches.) The same paper introduced the occlusion maps of section 5.
#
# **By hand.** A channel has a map of 2 x 3 positions for each of three plates. Their largest values are 5 at row 0,
# column 2; 9 at row 1, column 1; and 7 at row 1, column 0. The two best plates are 1 and 2: `[[1, 1, 1], [2, 1, 0]]`.
# Each plate counts only once, with its best position; otherwise a single plate full of seeds could fill the whole list.
#
# ### Exercise: `top_activating`

# %% exercise="10.top_activating"
def top_activating(maps, channel, k):
    """Find the pictures that a channel responds to most, and where in them.

    Parameters
    ----------
    maps : torch.Tensor
        A layer's output for many pictures, (N, C, h, w). Do not change it.
    channel : int
        Which of the C.
    k : int
        How many pictures, at most N.

    Returns
    -------
    torch.Tensor
        (k, 3), whole numbers: picture, row, column of its largest value. Pictures come in the
        order of their largest values, the largest first, and each at most once.

    Example
    -------
    >>> maps = torch.tensor([[[[1., 5., 2.]]], [[[9., 0., 3.]]]])  # two pictures, one channel, 1 x 3
    >>> top_activating(maps, 0, 2).tolist()
    [[1, 0, 0], [0, 0, 1]]
    """
    ### BEGIN SOLUTION
    own = maps[:, channel]
    values, places = own.flatten(1).max(dim=1)
    best = values.topk(k).indices
    width = own.shape[2]
    return torch.stack((best, places[best] // width, places[best] % width), dim=1)
    ### END SOLUTION

# %% check="10.top_activating"
check("10.top_activating", top_activating)

# %% [markdown]
# The patches below show exactly what the position sees, its receptive field: 10 pixels for `stages.1`, 46 for
# `stages.3`, 94 for `stages.4`. (White is outside the picture.) The channels were not picked by hand: in each layer
# they are the most active ones for the first two plates shown above.

# %%
favorites = {}
for layer in stages[1:]:
    maps = torch.cat([inspection.feature_maps(net, layer, some) for some in x.split(32)])
    for n in shown[:2]:
        channel = next(int(c) for c in figs.strongest(maps[n].numpy(), 10) if (layer, int(c)) not in favorites)
        favorites[layer, channel] = figs.peaks(maps, channel, 9)
figs.favorites(test.images, favorites)

# %% [markdown]
# That is the **hierarchical learning** of chapter 04: early layers respond to edges and colors, later ones to parts
# such as a yolk. Each layer builds on the one before, and the dishes' names were all that it learned from. Look at the
# last rows, too: a channel of `stages.4` responds to several dishes. No channel *is* a dish; the last dense layer
# combines many of them.
#
# Be careful with names, though. Nine patches may look like a *yolk detector* to you, while the channel responds to
# anything *yellow with a soft edge*. There was no lemon among the plates to tell the two apart.
#
# ## 5. Occlusion: cover a part and see what happens
#
# Which parts of the picture does the answer depend on? The simplest experiment is to cover a square with gray and ask
# again. If the score falls, something in that place mattered to the network. Slide the square over the whole plate, and
# you get an **occlusion map**:
#
# $$\text{drop}[i, j] = z_k(x) - z_k(x \text{ with the square at row } i s \text{ and column } j s)$$
#
# - $z_k$: the score of class $k$, a number, before softmax. $x$: the picture, $(1, C, H, W)$. $s$: the stride in
#   pixels.
# - The map has $\lfloor (H - \text{size}) / s \rfloor + 1$ rows, as a convolution without padding has.
#
# **By hand.** A network's score is the sum of the pixels, and the picture is a row of four: $x = (1, 2, 4, 3)$, with
# score 10. A square of size 2, value 0 and stride 1 covers $1 + 2$, then $2 + 4$, then $4 + 3$. So the map is
# $(3, 6, 7)$: three positions, not four.
#
# 1. Click on a slider and move the square with the arrow keys. Where does the score fall most?
# 2. Can you make the network change its mind with the smallest square?
# 3. Find a place where the score *rises* when you cover it. What is there?
#
# <details><summary>What you should have seen</summary>
#
# For most plates the score falls most over the food, often over one characteristic part of it, such as a yolk. How
# small a square can change the answer depends on the plate; for some dishes one characteristic part is enough. Covering
# the background, a rim or cutlery may raise the score a little: what was there spoke for another dish.
# </details>

# %% tags=["demo"]
figs.occluder(net, test.images[shown], labels, dishes)

# %% [markdown]
# ### Exercise: `occlusion_map`

# %% exercise="10.occlusion_map"
def occlusion_map(model, x, target, size, stride, value):
    """Measure how much a class's score falls when a square of the picture is covered.

    Parameters
    ----------
    model : torch.nn.Module
        Gives scores (N, K); in evaluation mode.
    x : torch.Tensor
        One picture, (1, C, H, W). Do not change it.
    target : int
        The class whose score is measured; it need not be the largest.
    size : int
        Side of the square, in pixels.
    stride : int
        How far the square moves, in pixels.
    value : float
        What all channels are filled with under the square.

    Returns
    -------
    torch.Tensor
        ((H - size) // stride + 1, (W - size) // stride + 1): the score of target for the whole
        picture minus the one for the covered picture. Scores as they come, without softmax, and
        without a graph.
    """
    ### BEGIN SOLUTION
    rows, columns = (x.shape[2] - size) // stride + 1, (x.shape[3] - size) // stride + 1
    heat = torch.zeros(rows, columns)
    with torch.no_grad():
        base = model(x)[0, target]
        for i in range(rows):
            for j in range(columns):
                covered = x.clone()
                top, left = i * stride, j * stride
                covered[:, :, top : top + size, left : left + size] = value
                heat[i, j] = base - model(covered)[0, target]
    return heat
    ### END SOLUTION

# %% check="10.occlusion_map"
check("10.occlusion_map", occlusion_map)

# %% [markdown]
# An occlusion map means exactly what it says. But it costs a forward pass for each position, and the result depends on
# the square. A small square hides too little, and a gray square is itself something new: the network has never seen a
# plate with one.
#
# ## 6. Saliency: the slope of the score
#
# Backpropagation can give the gradient of a score with respect to *anything*, including the picture. So one backward
# pass tells you for each pixel how the score would change if the pixel changed a little ([Simonyan and others,
# 2013](https://arxiv.org/abs/1312.6034)):
#
# $$M[h, w] = \max_c \left| \frac{\partial z_k}{\partial x[0, c, h, w]} \right|$$
#
# - $M$: the saliency map, $(H, W)$. It takes magnitudes, because a pixel that should be darker matters as much as one
#   that should be lighter, and then the largest over the channels $c$.
#
# **By hand.** One pixel has the slopes $(0.5, -2, 1)$ for red, green and blue. The magnitudes are $0.5, 2, 1$, so
# $M = 2$. (Taking the maximum before the magnitude would give 1.)
#
# Differentiate the **score**, not the loss or the probability: when the network is confident, those two are flat.
#
# ### Exercise: `saliency`

# %% exercise="10.saliency"
def saliency(model, x, target):
    """Measure how strongly each pixel changes a class's score.

    Parameters
    ----------
    model : torch.nn.Module
        Gives scores (N, K); in evaluation mode. Leave no gradients on its weights.
    x : torch.Tensor
        One picture, (1, C, H, W). Leave it without a gradient, and requiring none.
    target : int
        The class.

    Returns
    -------
    torch.Tensor
        (H, W): the largest magnitude, over the channels, of the score's slope. Not scaled,
        without a graph.
    """
    ### BEGIN SOLUTION
    x = x.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(model(x)[0, target], x)
    return slope.abs().amax(dim=1)[0]
    ### END SOLUTION

# %% check="10.saliency"
check("10.saliency", saliency)

# %% [markdown]
# ## 7. Grad-CAM: where is the evidence?
#
# Saliency works on pixels, far from where the decision is made, and its maps look noisy. **Grad-CAM** ([Selvaraju and
# others, 2017](https://arxiv.org/abs/1610.02391)) works on a late layer, whose maps stand for parts of dishes. It
# measures how much each channel matters for the class, and adds up the maps with these weights:
#
# $$w_c = \frac{1}{hw} \sum_{i, j} \frac{\partial z_k}{\partial A[c, i, j]}, \qquad
# G = \text{ReLU}\Big(\sum_c w_c \, A[c]\Big)$$
#
# - $A$: the layer's maps, $(C, h, w)$. $w_c$: one weight for each channel, the mean of its slopes. $G$: the resulting
#   map, $(h, w)$; ReLU keeps only what speaks *for* the class. At the end $G$ is enlarged to $(H, W)$.
#
# **By hand.** Two maps of 1 x 2: $A_0 = (4, 0)$ and $A_1 = (0, 2)$, with mean slopes $w_0 = 0.5$ and $w_1 = -1$. The sum is
# $0.5 \cdot (4, 0) - 1 \cdot (0, 2) = (2, -2)$, and after ReLU $(2, 0)$. The left place speaks for the class; the right one speaks
# against it.
#
# You already know the parts: a forward hook records the maps, this time *with* their graph, and
# `torch.autograd.grad(score, maps)` returns the slopes.
#
# ### Exercise: `grad_cam`

# %% exercise="10.grad_cam"
def grad_cam(model, layer, x, target):
    """Show where in a picture a layer finds evidence for a class.

    Parameters
    ----------
    model : torch.nn.Module
        Gives scores (N, K); in evaluation mode. Leave no gradients on its weights and no hook on
        its layers.
    layer : str
        A convolutional layer's name, as in "stages.4".
    x : torch.Tensor
        One picture, (1, C, H, W). Do not change it.
    target : int
        The class.

    Returns
    -------
    torch.Tensor
        (H, W): the layer's maps, each times the mean of the score's slopes for it, added up over
        the channels; then ReLU; then enlarged with F.interpolate(mode="bilinear",
        align_corners=False), which takes (N, C, h, w). Not scaled, without a graph.
    """
    ### BEGIN SOLUTION
    found = []
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: found.append(output))
    score = model(x)[0, target]
    handle.remove()
    (slope,) = torch.autograd.grad(score, found[0])
    weights = slope.mean(dim=(2, 3), keepdim=True)
    coarse = (weights * found[0]).sum(dim=1, keepdim=True).relu()
    return F.interpolate(coarse, size=x.shape[2:], mode="bilinear", align_corners=False)[0, 0].detach()
    ### END SOLUTION

# %% check="10.grad_cam"
check("10.grad_cam", grad_cam)

# %% [markdown]
# Here are the three instruments on the same plates, each asked for the correct dish:

# %%
columns, rows = [], {"plate": [], "occlusion": [], "saliency": [], "Grad-CAM, stages.3": [], "Grad-CAM, stages.4": []}
for n in shown[:4]:
    one, label = x[n : n + 1], int(test.labels[n])
    columns.append(figs.name_of(dishes[label]))
    drops = inspection.occlusion_map(net, one, label, size=32, stride=16, value=0.5)
    drops = F.interpolate(drops[None, None], size=(128, 128), mode="bilinear", align_corners=False)[0, 0]
    slopes = inspection.saliency(net, one, label)[0].numpy()
    rows["plate"].append(test.images[n])
    rows["occlusion"].append(figs.overlay(test.images[n], drops.numpy()))
    rows["saliency"] += figs.shaded([slopes])
    for layer in ("stages.3", "stages.4"):
        heat = inspection.grad_cam(net, layer, one, label)[0].numpy()
        rows[f"Grad-CAM, {layer}"].append(figs.overlay(test.images[n], heat))
figs.sheet(
    list(rows.items()),
    "Three instruments point at different parts of the same plates",
    "Four plates and, below each, what occlusion, saliency and Grad-CAM at two layers find important for the right dish.",
    columns,
)

# %% [markdown]
# They agree that the food matters, but disagree about which part of it. That is because they ask different questions:
# what is lost without this part, what would change the score a little, and what contributes to the evidence?
#
# The network is a chain of convolutions and a mean, so it accepts pictures of any size, for instance **four plates in
# one**. The last entry of the list is such a picture.
#
# 1. Choose it, and ask for each of its four dishes. Does the bright area move?
# 2. Go down to `stages.1`. Does it still move?
# 3. Ask for a dish that is not there. Is the map empty? (Look at the largest value, and remember that each map is
#    scaled to its own maximum.)
#
# <details><summary>What you should have seen</summary>
#
# At the last stage the bright area moves to the plate that you asked for. At `stages.1` it hardly does: edges are
# everywhere, whichever dish you ask for. The map for a dish that is not there is rarely empty, because each map is
# scaled to its own maximum. Only its largest value tells you that the evidence is weak.
# </details>

# %% tags=["demo"]
four = [test.images[plate_of(dish)] for dish in ("pizza", "banana", "fried_eggs", "burger")]
table = np.concatenate([np.concatenate(four[:2], axis=1), np.concatenate(four[2:], axis=1)], axis=0)
figs.cam_explorer(net, [*test.images[shown], table], [*labels, "four plates"], dishes, stages[1:])

# %% [markdown]
# ## 8. Activation maximization: let the network draw
#
# Now turn the question around: which picture makes a unit as active as possible? Start from noise and use gradient
# **ascent**, which changes the picture and keeps the weights. In each step
#
# $$x \leftarrow \text{clamp}\Big(x + 0.05 \, \frac{\nabla a}{\sqrt{\text{mean}\big((\nabla a)^2\big)}}, \; 0, \; 1\Big), \qquad \nabla a = \frac{\partial a}{\partial x}$$
#
# - $a$: the unit's activation, a number. $\nabla a$: its gradient, with the picture's shape.
# - Dividing by the root mean square makes all steps equally long, because gradients of different units differ by orders
#   of magnitude.
# - Clamping keeps the values between 0 and 1.
#
# For a linear unit the answer is known: $a = w \cdot x$ is largest where $x$ is 1 for each positive weight and 0 for each negative one. With
# $w = (2, -1, 3)$ that is $x = (1, 0, 1)$, and $a = 5$. The check uses such units.
#
# ### Exercise: `maximize_activation`

# %% exercise="10.maximize_activation"
def maximize_activation(model, unit, shape, steps, rng):
    """Find a picture that makes a unit active.

    Parameters
    ----------
    model : torch.nn.Module
        Gives (N, K) for pictures with values from 0 to 1; in evaluation mode. Do not change it.
    unit : int
        Which of the K.
    shape : tuple of 3 ints
        Of the picture: C, H, W.
    steps : int
        Number of steps.
    rng : numpy.random.Generator
        Draws the start: gray, 0.5, with a little noise. Nothing else is random.

    Returns
    -------
    torch.Tensor
        The picture, (C, H, W), float32, from 0 to 1, without a graph.
    """
    ### BEGIN SOLUTION
    x = torch.from_numpy(0.5 + 0.05 * rng.standard_normal((1, *shape))).float()
    for _ in range(steps):
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(model(x)[0, unit], x)
        x = (x + 0.05 * slope / (slope.pow(2).mean().sqrt() + 1e-12)).clamp(0, 1)
    return x[0].detach()
    ### END SOLUTION

# %% check="10.maximize_activation"
check("10.maximize_activation", maximize_activation)

# %% [markdown]
# What comes out depends on what else you ask for. Here are three ways, with the same start and the same number of
# steps:
#
# - **plain**: only the formula above;
# - **jitter**: before each step the picture is shifted by a few pixels at random. So a pattern survives only if it
#   still works when it is moved a little;
# - **jitter and blur**: in addition, the gradient is smoothed and each pixel is pulled a little towards gray. That
#   favors coarse shapes.

# %%
ways = {
    "plain": {},
    "jitter": {"jitter": 6},
    "jitter and blur": {"jitter": 6, "blur": 1.0, "pull": 0.01},
}
asked = [dishes.index(dish) for dish in ("fried_eggs", "tomato", "salad")]
rows = []
for way, how in ways.items():
    drawn, reached = [], []
    for k in asked:
        picture = inspection.maximize_activation(net, k, (3, draw_size, draw_size), steps, np.random.default_rng(seed), **how)
        with torch.no_grad():
            reached.append(float(net(picture[None])[0, k]))
        drawn.append(picture.permute(1, 2, 0).numpy())
    print(f"{way:>16}: scores " + ", ".join(f"{figs.name_of(dishes[k])} {s:.1f}" for k, s in zip(asked, reached, strict=True)))
    rows.append((way, drawn))
best = scores[torch.arange(len(scores)), torch.from_numpy(test.labels)].numpy()
own = ", ".join(f"{figs.name_of(dishes[k])} {best[test.labels == k].max():.1f}" for k in asked)
print(f" best real plate: scores {own}")
figs.sheet(
    rows,
    "What you ask for besides decides what you see",
    "Pictures that drive three dishes' scores up, in three ways: plain ascent gives fine colored noise; with jitter and blur the shapes are larger and smoother.",
    [figs.name_of(dishes[k]) for k in asked],
    side=2.3,
)

# %% [markdown]
# Compare the rows. Smoothing changes the pictures most; jitter alone lowers the score a lot and changes the look
# little. Then read the numbers. Plain ascent produces something that you would not eat, with a score that no real plate
# reaches. So **a high score does not mean that a dish is there**. And where the pictures look like leaves or yolks,
# *we* asked for smoothness: part of what you see is the network, and part of it is the regularization.
#
# ## 9. Nearest neighbors: what looks alike to the network?
#
# Before the last layer each plate is a vector of 256 numbers, its **features**. If they describe what matters for the
# dish, the vectors of plates of one dish should point in a similar direction. The **cosine** measures that:
#
# $$\cos(a, b) = \frac{a \cdot b}{\lVert a \rVert \, \lVert b \rVert}$$
#
# It is 1 for the same direction and 0 for a right angle, and it does not depend on the vectors' lengths. **By hand**:
# $a = (3, 0)$, $b = (6, 1)$ and $c = (3, 3)$. The distance from $a$ to $b$ is 3.2, and to $c$ it is 3. But
# $\cos(a, b) = 18 / (3 \cdot 6.08) = 0.99$, and $\cos(a, c) = 9 / (3 \cdot 4.24) = 0.71$: by the cosine, $b$ is nearer.
#
# ### Exercise: `nearest_neighbors`

# %% exercise="10.nearest_neighbors"
def nearest_neighbors(features, query, k):
    """Find the rows whose direction is most similar to that of one of them.

    Parameters
    ----------
    features : numpy.ndarray
        (N, D), no row is zero. Do not change it.
    query : int
        Which row to compare with.
    k : int
        How many neighbors, less than N.

    Returns
    -------
    numpy.ndarray
        (k,), whole numbers: the rows with the largest cosine, the largest first, without the
        query itself. Write the cosine yourself.

    Example
    -------
    >>> nearest_neighbors(np.array([[3.0, 0.0], [6.0, 1.0], [3.0, 3.0]]), 0, 2)
    array([1, 2])
    """
    ### BEGIN SOLUTION
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = unit @ unit[query]
    cosines[query] = -np.inf
    return np.argsort(-cosines)[:k]
    ### END SOLUTION

# %% check="10.nearest_neighbors"
check("10.nearest_neighbors", nearest_neighbors)

# %%
features = torch.cat([inspection.feature_maps(net, "flatten", some) for some in x.split(32)]).numpy()
pixels = x.flatten(1).numpy() - x.mean().item()
alike = {"pixels": figs.cosines(pixels), "features": figs.cosines(features)}
rows = []
for n in shown[:3]:
    for space, found in alike.items():
        rows.append((f"by {space}", [test.images[n], *test.images[np.argsort(-found[n])[:6]]]))
for space, found in alike.items():
    same = (test.labels[found.argmax(axis=1)] == test.labels).mean()
    print(f"the nearest plate by {space} is of the same dish for {same:.1%} of {len(test)} plates")
figs.sheet(
    rows,
    "Pixels find the same table; features find the same dish",
    "For three plates, the six nearest others by pixels and by features. By pixels they share colors and layout, by features the dish.",
    ["plate", "nearest", "2nd", "3rd", "4th", "5th", "6th"],
    side=1.25,
)

# %% [markdown]
# Nobody asked the network to place similar plates close together; that is a by-product of learning their names. Chapter
# 13 builds on it: features tell whether two pictures show the same dish, even a dish that the network was never trained
# on.
#
# ## 10. Sanity checks: what such pictures do not prove
#
# Now be strict with your instruments. A heat map on a pizza convinces everybody, but would it look any different if the
# network knew nothing?
#
# ### Test 1: randomize the weights
#
# [Adebayo and others](https://arxiv.org/abs/1810.03292) asked this in 2018. They replaced the last layer's weights by
# random ones, then those of the last two layers, and so on, so that what was learned disappears layer by layer. A map
# that stays the same cannot show what was learned. We compare maps by their **rank correlation**, which is 1 if all
# pixels are in the same order and about 0 if the orders have nothing in common. As a control, there is a map that does
# not depend on any network: the plate's own **edges**, that is, how much it changes from pixel to pixel.

# %%
parts = ["head", "stages.4", "stages.3", "stages.2", "stages.1", "stages.0"]
tried = shown[:4]
some, wanted = x[tried], torch.from_numpy(test.labels[tried])
instruments = {
    "saliency": lambda model: inspection.saliency(model, some, wanted).numpy(),
    "Grad-CAM": lambda model: inspection.grad_cam(model, "stages.3", some, wanted).numpy(),
    "edges": lambda model: np.stack([figs.edges(test.images[n]) for n in tried]),
}
others = [net, *(pointing.drawn_anew(net, seed, parts[: k + 1]) for k in range(len(parts)))]
maps = {name: [look(model) for model in others] for name, look in instruments.items()}
kept = {
    name: [float(np.mean([figs.rank_correlation(a, b) for a, b in zip(found[0], now, strict=True)])) for now in found]
    for name, found in maps.items()
}
figs.similarity(kept, ["nothing", *parts])

# %% [markdown]
# Saliency keeps most of its order when the last layer is randomized, although the score is then a random mix of
# features. Grad-CAM changes at once. (This is one random draw and four plates, so the ups and downs further right are
# chance.) The edges stay the same, of course, because they do not depend on the network. Yet they outline the food
# quite well, and that is the trap: a map can look right just because the *plate* has edges there.
#
# And here is how it looks for one plate:

# %%
which = [0, 1, 3, 6]
rows = [
    ("saliency", figs.shaded([maps["saliency"][k][1] for k in which])),
    ("Grad-CAM, stages.3", [figs.overlay(test.images[tried[1]], maps["Grad-CAM"][k][1]) for k in which]),
    ("edges", figs.shaded([maps["edges"][k][1] for k in which])),
]
figs.sheet(
    rows,
    "Which of these maps needs a network that has learned?",
    "Saliency, Grad-CAM and edges for one plate, with the trained network and with more and more of its weights randomized.",
    ["trained", "head random", "and stages.4, 3", "all random"],
    side=1.9,
)

# %% [markdown]
# ### Test 2: does it point at the food?
#
# Our plates come with the food's true box. So instead of admiring maps you can count: how often is a map's largest
# value inside the box? That is the **pointing game** ([Zhang and others, 2016](https://arxiv.org/abs/1608.00507)).
#
# A box is $x_0, y_0, x_1, y_1$ in pixels, with $x$ to the right and $y$ down. It ends just before $x_1$ and $y_1$: a
# box from 2 to 4 contains the columns 2 and 3.
#
# ### Exercise: `pointing_game`

# %% exercise="10.pointing_game"
def pointing_game(maps, boxes):
    """Return how often a map's largest value lies in the box.

    Parameters
    ----------
    maps : numpy.ndarray
        (N, H, W).
    boxes : numpy.ndarray
        (N, 4): x0, y0, x1, y1 in whole pixels; x is the column, y the row; x1 and y1 lie just outside.

    Returns
    -------
    float
        The share of the N maps, from 0 to 1.
    """
    ### BEGIN SOLUTION
    hits = 0
    for one, (x0, y0, x1, y1) in zip(maps, boxes, strict=True):
        row, column = np.unravel_index(one.argmax(), one.shape)
        hits += bool(x0 <= column < x1 and y0 <= row < y1)
    return hits / len(maps)
    ### END SOLUTION

# %% check="10.pointing_game"
check("10.pointing_game", pointing_game)

# %%
few = slice(48)
heat = torch.cat(
    [
        inspection.grad_cam(net, "stages.4", some, wanted)
        for some, wanted in zip(x[few].split(24), torch.from_numpy(test.labels[few]).split(24), strict=True)
    ]
).numpy()
middle = np.repeat(pointing.hill(128, 32)[None], len(heat), axis=0)
for name, found in (("Grad-CAM at stages.4", heat), ("a hill in the middle", middle)):
    told = pointing.in_box(found, test.boxes[few])
    print(f"{name:>22}: {told['hits']:.1%} of {len(heat)} plates hit, {told['share']:.1%} of the map's sum in the box")

# %% [markdown]
# Nearly every plate is hit, so is Grad-CAM good? Look at the second line. The second map *knows nothing*; it says "the
# middle" for every plate. Food is usually in the middle of a picture, and on our plates its box covers
# half of it. So this test cannot tell knowledge from habit, and a number without a baseline means nothing.
#
# ### Test 3: four plates in one picture
#
# Put four plates of different dishes into one picture, and ask for one of them. What share of the map lies on the right
# plate? A map that knows nothing gets a quarter. The figure shows both tests as recorded over more plates (test 2, on
# the left, with the twelve base dishes; test 3, on the right, with all twenty), for the trained network and for three
# networks with random weights.

# %%
record = records.load("pointing")
about = record["about"]
print(f"{about['pictures']} test plates, {about['mosaics']} pictures of four plates; recorded on {about['machine']['day']}")
for run in record["runs"]:
    told = ", ".join(f"{name} {found['on the plate']:.0%}" for name, found in run["maps"].items() if "on the plate" in found)
    print(f"{run['weights']:>9}, four plates: {told}")
figs.pointing(record)

# %% [markdown]
# This test shows a difference. At the last stage, 86 % of Grad-CAM's sum lies on the plate that was asked for; with
# random weights it is about a quarter, as for a map that knows nothing. Saliency, so convincing on a single plate, gets
# 31 %. Grad-CAM on an early layer does no better, because an edge is an edge on any of the four plates. (One caveat:
# the network was never trained on pictures of four plates.)
#
# On the left, too, networks with random weights hit the box less often than the trained one, from 28 to 50 % at the last
# stage. So training matters there, but the map of a trained network still gets no more than one that says "the middle".
#
# **What to remember**
#
# - A map shows *where*, never *why*: it does not say which property of that place mattered.
# - Your eye is not a measuring device. It prefers maps that follow the outlines.
# - Before you believe a map, randomize the weights, compare with a baseline that knows nothing, and ask a question that
#   such a baseline gets wrong.
#
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** Where do you look for a channel that responds to a whole part of a dish, such as a yolk?
#
# - a) In the first layer: it is nearest to the picture.
# - b) In one of the last layers: a position there sees most of the plate, through many layers.
# - c) Nowhere: deep layers have lost the picture.
# - d) Everywhere: all layers see the same.
#
# **2.** You cover a corner, and the score of *pizza* rises. What does the occlusion map show there?
#
# - a) A positive number.
# - b) Zero.
# - c) Nothing: there must be a bug.
# - d) A negative number: what was there spoke against pizza.
#
# **3.** An instrument gives nearly the same map after all weights have been randomized. What follows?
#
# - a) Its map does not show what the network has learned.
# - b) The weights matter a lot for the map.
# - c) It is robust, and so it is a good instrument.
# - d) A network with random weights recognizes dishes too.
#
# **4.** Grad-CAM hits the box on 98 % of single plates. What does that prove about our network?
#
# - a) That it looks at the food.
# - b) That it does not look at the food.
# - c) Nothing yet: simply pointing at the middle of the picture hits the box at least as often.
# - d) That the boxes are wrong.
#
# **5.** What does jitter require of the pictures of section 8?
#
# - a) That their values stay in range.
# - b) That they still work when they are shifted a little.
# - c) That they lower the score.
# - d) That they are finished in fewer steps.

# %% exercise="10.quiz"
### BEGIN SOLUTION
### STUB answer_1 = None
### STUB answer_2 = None
### STUB answer_3 = None
### STUB answer_4 = None
### STUB answer_5 = None
answer_1 = "b"
answer_2 = "d"
answer_3 = "a"
answer_4 = "c"
answer_5 = "b"
### END SOLUTION

# %% check="10.quiz"
check("10.quiz", answer_1, answer_2, answer_3, answer_4, answer_5)

# %% [markdown]
# ## What you know now
#
# - A network learns in layers: colors and edges, textures, parts, dishes. You can show it with the patches that a
#   channel responds to most.
# - A hook records a layer's output. A good instrument leaves behind no hook, no gradients and no changed mode.
# - Occlusion shows what is lost without a part, saliency what would change the score, Grad-CAM where the evidence is.
# - Gradient ascent finds pictures that activate a unit. What they look like depends on the network and on the
#   regularization.
# - Pictures of the same dish have similar features.
# - A heat map proves nothing until it differs from that of a random network and beats a baseline.
#
# ### Cheat sheet
#
# | what | how |
# |---|---|
# | a layer by its name | `model.get_submodule("stages.2")` |
# | catch its output | `handle = part.register_forward_hook(f)`; `f(module, inputs, output)`; `handle.remove()` |
# | a slope, and nothing else touched | `(slope,) = torch.autograd.grad(score, x)` |
# | saliency | `slope.abs().amax(dim=1)` |
# | Grad-CAM | `relu((slope.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True))`, enlarged |
# | a step uphill | `x + rate * slope / slope.pow(2).mean().sqrt()`, clamped |
# | cosine | `a @ b / (norm(a) * norm(b))` |
#
# ### Words
#
# - **activation maximization**: changing a picture by gradient ascent until a unit responds strongly.
# - **Grad-CAM**: a heat map from the last feature maps, weighted by the mean gradient of a class's score.
# - **hook**: a function that PyTorch calls when a layer is used.
# - **interpretability**: finding out what a network's answer rests on.
# - **occlusion map**: how much a score falls when a part of the picture is covered.
# - **saliency map**: the size of the score's gradient at each pixel.
#
# ### Next
#
# Early layers respond to edges, colors and textures, which are useful for *any* dish. So why learn them again for each
# new menu? Chapter 11 adapts a trained network to dishes that it has never seen, with a handful of pictures of each.
#
# ### Further reading
#
# - Zeiler and Fergus, [Visualizing and understanding convolutional networks](https://arxiv.org/abs/1311.2901), 2013.
# - Olah, Mordvintsev and Schubert, [Feature visualization](https://distill.pub/2017/feature-visualization/), 2017: what regularization does, with many
#   pictures.
# - Adebayo and others, [Sanity checks for saliency maps](https://arxiv.org/abs/1810.03292), 2018.
# - Geirhos and others, [ImageNet-trained CNNs are biased towards texture](https://arxiv.org/abs/1811.12231), 2018: what a network uses is often not
#   what you would use.
# - [cs231n on visualizing networks](https://cs231n.github.io/understanding-cnn/), and [ConvNetJS](https://cs.stanford.edu/people/karpathy/convnetjs/), where
#   you watch maps while a network trains.
