# %% [markdown]
# # 04 Pooling, shapes and what a layer sees
#
# A convolution says *where* the rim of the plate is. MealoMi has to say *that* there is a plate. On the way from one
# to the other, a network must gradually give up the exact location and take in larger and larger parts of the picture. This
# chapter shows how it does both, and then puts together the first whole network.
#
# **When you are done, you can**
#
# - pool maps by maximum and by mean, and say how a small shift of the picture affects the pooled maps;
# - work out how much of the picture a neuron sees, however many layers lie in between;
# - follow the shape of a batch through a network, and count the parameters, before you run anything;
# - read LeNet-5, layer by layer, and say what has changed since 1998;
# - run the forward pass of a whole convolutional network in NumPy.
#
# **What you build**: `max_pool2d`, `avg_pool2d`, `global_avg_pool`, `receptive_field`, `trace_shapes`,
# `lenet5_parameters`, and `cnn_forward`.
#
# **Time**: about 130 minutes, with a resting point after section 3. **You need**: chapter 03, above all the output size and the convolution layer; from
# chapter 02 the dense layer and ReLU.

# %%
import numpy as np
import matplotlib.pyplot as plt
import torch

from introdl import check, data, figures, hint
from introdl.figures import pooling as figs

figures.use_style()

# %% tags=["parameters"]
seed = 4  # of the dense layer's weights in section 6

# %% [markdown]
# The plate of this chapter, and one function from chapter 03, which you may call in every exercise:

# %%
plate = data.doughnut()


def output_size(n, kernel, stride=1, padding=0):
    """How many places a window has along an axis of n pixels (chapter 03)."""
    return (n + 2 * padding - kernel) // stride + 1


print("height, width, channels:", plate.shape)

# %% [markdown]
# If an exercise is hard, call `hint("04.max_pool2d")` in a cell of your own, with the exercise's id. Each call shows
# one more hint.
#
# ## 1. Max pooling and average pooling
#
# A map of edges has a number for every pixel. To recognize a doughnut you do not need to know that there is an edge at
# row 117, column 43. It is enough to know that there is one somewhere around there. That is what **pooling** does: it
# takes a small window of the map and keeps one number for it.
#
# **Max pooling** keeps the largest. With windows of 2 by 2 that touch (size 2, stride 2), by hand:
#
# $$\begin{bmatrix}1&1&2&4\\5&6&7&8\\3&2&1&0\\1&2&3&4\end{bmatrix}
# \quad\to\quad
# \begin{bmatrix}\max(1,1,5,6)&\max(2,4,7,8)\\\max(3,2,1,2)&\max(1,0,3,4)\end{bmatrix}
# = \begin{bmatrix}6&8\\3&4\end{bmatrix}$$
#
# **Average pooling** keeps the mean. The first window becomes $(1 + 1 + 5 + 6) / 4 = 3.25$.
#
# Try it. The largest number in the window has a ring around it. Press play, or move the *window* slider with the arrow keys. Then:
#
# 1. Set the stride to 1. Now the windows overlap, and a number can win more than once. Three numbers win twice. Which
#    ones?
# 2. Set the size to 3 and the stride to 2. Which numbers are never looked at?
# 3. Change the 8 to 80, and compare what that does to the maximum and to the mean.

# %% tags=["demo"]
figs.pooling_explorer()

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# With stride 1 the numbers 6, 7 and 8 win twice, since each of them is the largest number in two overlapping windows,
# one of which lies a row lower than the other. With size 3 and stride 2 only one window fits, so the last row and the
# last column are never looked at. With 80, the maximum of that window jumps from 8 to 80, but the mean only from 5.25
# to 23.25; the mean is pulled along, but all four numbers have a say in it.
# </details>
#
# In general, with size $k$ and stride $s$,
#
# $$Y[n, c, i, j] = \max_{0 \le u, v < k} X[n,\, c,\, i s + u,\, j s + v] .$$
#
# | symbol | name | shape |
# |---|---|---|
# | $X$ | a batch of maps | $(N, C, H, W)$ |
# | $Y$ | the pooled maps | $(N, C, OH, OW)$ |
# | $k$, $s$ | the window's size and its stride | whole numbers |
#
# $OH$ and $OW$ are the output sizes of chapter 03, with $k$ as the kernel and no padding. Pooling differs from a
# convolution in two ways.
#
# - There is **nothing to learn**. A pooling layer has no weights.
# - **Channels stay separate.** Each channel is the map of its own feature, and is pooled on its own.
#
# ### Exercise: `max_pool2d`
#
# Here and in the next two exercises, the check does not accept the ready-made pooling and filters of PyTorch and SciPy.

# %% exercise="04.max_pool2d"
def max_pool2d(x, size, stride):
    """Max pooling: the largest number of each window, channel by channel.

    Parameters
    ----------
    x : numpy.ndarray
        (N, C, H, W) floats of any sign.
    size : int
        Height and width of the window; it fits on the maps.
    stride : int
        Pixels from one window to the next, the same for rows and columns. It may be smaller
        than the size (windows overlap) or larger (gaps).

    Returns
    -------
    numpy.ndarray
        (N, C, OH, OW) floats, with OH = output_size(H, size, stride) and OW likewise. There is
        no padding, and pixels that are left over are not used. x is left as it is.

    Example
    -------
    >>> x = np.array([[[[1.0, 1.0, 2.0, 4.0], [5.0, 6.0, 7.0, 8.0],
    ...                 [3.0, 2.0, 1.0, 0.0], [1.0, 2.0, 3.0, 4.0]]]])
    >>> max_pool2d(x, 2, 2)
    array([[[[6., 8.],
             [3., 4.]]]])
    """
    ### BEGIN SOLUTION
    n, c, height, width = x.shape
    rows, columns = output_size(height, size, stride), output_size(width, size, stride)
    out = np.zeros((n, c, rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            window = x[:, :, top : top + size, left : left + size]
            out[:, :, i, j] = window.max(axis=(2, 3))
    return out
    ### END SOLUTION

# %% check="04.max_pool2d"
check("04.max_pool2d", max_pool2d)

# %% [markdown]
# ### Exercise: `avg_pool2d`

# %% exercise="04.avg_pool2d"
def avg_pool2d(x, size, stride):
    """Average pooling: the mean of each window, channel by channel.

    Parameters
    ----------
    x : numpy.ndarray
        (N, C, H, W) floats of any sign.
    size, stride : int
        As in `max_pool2d`.

    Returns
    -------
    numpy.ndarray
        (N, C, OH, OW) floats, as from `max_pool2d`. x is left as it is.

    Example
    -------
    >>> x = np.array([[[[1.0, 1.0, 2.0, 4.0], [5.0, 6.0, 7.0, 8.0],
    ...                 [3.0, 2.0, 1.0, 0.0], [1.0, 2.0, 3.0, 4.0]]]])
    >>> avg_pool2d(x, 2, 2)
    array([[[[3.25, 5.25],
             [2.  , 2.  ]]]])
    """
    ### BEGIN SOLUTION
    n, c, height, width = x.shape
    rows, columns = output_size(height, size, stride), output_size(width, size, stride)
    out = np.zeros((n, c, rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            out[:, :, i, j] = x[:, :, top : top + size, left : left + size].mean(axis=(2, 3))
    return out
    ### END SOLUTION

# %% check="04.avg_pool2d"
check("04.avg_pool2d", avg_pool2d)

# %% [markdown]
# **Maximum or mean?** A feature map answers the question "how strongly is the feature *here*?" A thin edge fills only
# a few pixels of a window. The maximum says "it is in here somewhere", while the mean says "there is a little of it in
# here". See what the two leave of the plate's edges:

# %%
figures.show(
    figs.pooled_edges(plate),
    "Two rows of four panels: the plate's edge strength, and the same after pooling with windows of 2, 4 and 8. In the "
    "upper row, the maximum, the rim stays dark; in the lower row, the mean, it turns pale.",
)

# %% [markdown]
# Windows of 8 by 8 keep one number out of 64, and after max pooling you can still tell that there is something round.
# Keeping so few numbers has another advantage: the layers that follow have less to compute.
#
# The price is that the exact location is lost. To draw a box around the doughnut, or to cut it out, you need the location, so
# networks for these tasks pool less, or restore the resolution later.
#
# ## 2. Invariance: what happens when the plate moves a little
#
# Chapter 03 showed that the output of a convolution moves with its input (equivariance). Now we want the opposite: an
# answer that stays the same when the plate moves (**invariance**). How much of that does pooling give us? Put a single
# 9 into a row of eight numbers, move it step by step, and pool with windows of 2 that touch:

# %%
for place in range(2, 6):
    row = np.zeros(8)
    row[place] = 9
    pooled = row.reshape(4, 2).max(axis=1)
    print(f"9 at place {place}: {row.astype(int)}  pooled: {pooled.astype(int)}")

# %% [markdown]
# From place 2 to 3 nothing changes, because the 9 stays in its window. From 3 to 4 it crosses into the next window,
# and the pooled row changes. So pooling is invariant to *some* small shifts, but not to all, and never to large ones.
# With larger windows there are fewer borders to cross.
#
# Pooling does not even always make the change smaller. Here is a row with three 9s, and one with two:

# %%
for row in ([0, 9, 9, 9, 0, 0, 0, 0], [0, 0, 9, 9, 0, 0, 0, 0]):
    before, after = np.array(row), np.roll(row, 1)
    for name, a, b in (
        ("unpooled", before, after),
        ("pooled  ", before.reshape(4, 2).max(axis=1), after.reshape(4, 2).max(axis=1)),
    ):
        changed = np.abs(a - b).sum() / (a.sum() + b.sum())
        print(f"{name} {a} -> {b}   share that changed: {changed:.2f}   mean: {a.mean():.2f} -> {b.mean():.2f}")

# %% [markdown]
# For the three 9s a shift by one pixel changes a third of the row before pooling and half of it after pooling. So what
# pooling gains depends on the maps, and has to be measured. Here it is measured on a picture. The camera moves by 0 to
# 8 pixels, and the edge map before is compared with the edge map after. Where are the differences?

# %% tags=["demo"]
figs.shift_test(plate)

# %%
for name, changes in figs.shift_changes(plate).items():
    print(f"{name:>14}:", "  ".join(f"{value:.3f}" for value in changes))

# %% [markdown]
# From column to column the shift grows by one pixel, and each number is the share of the map that changed. (It is the
# sum of all absolute differences, divided by the sum of both maps: 0 for equal maps, 1 for maps with nothing in
# common.) Read the table from left to right, and from top to bottom.
#
# - Without pooling, one pixel is enough for a large change, because edges are thin and every difference is at an edge.
# - On this picture, with windows of 4 or 16, a shift that is small *compared with the window* changes little.
# - Even large windows do not reduce the change to nothing. Zhang (2019, [Making convolutional networks shift-invariant
#   again](https://arxiv.org/abs/1904.11486)) shows that even the answers of whole networks can change with a shift of
#   a pixel or two, and that blurring before each stride removes much of that.
#
# ### Global average pooling
#
# The last line of the table uses the largest possible window, the whole map. **Global average pooling** replaces each
# map by its mean, $(N, C, H, W) \to (N, C)$, which asks "how much of this feature is there, anywhere?" The mean of a
# full-size map changes only by what enters or leaves the picture at its border. After a stride this no longer holds
# exactly: in the row with two 9s above, a shift by one pixel doubles the mean of the pooled row.
#
# It also saves parameters. Suppose that a network ends with 4 maps of 14 by 14 and has to choose among 5 dishes:

# %%
maps, side, dishes = 4, 14, 5
print("flatten, then dense:            ", maps * side * side * dishes + dishes, "parameters")
print("global average, then dense:     ", maps * dishes + dishes, "parameters")

# %% [markdown]
# And it accepts pictures of any size, since the mean of a map is one number, however large the map is. The idea is
# from [Network in Network](https://arxiv.org/abs/1312.4400) (Lin, Chen and Yan, 2013). Nearly every network in
# chapters 09 to 13 ends this way.
#
# ### Exercise: `global_avg_pool`

# %% exercise="04.global_avg_pool"
def global_avg_pool(x):
    """The mean of every map.

    Parameters
    ----------
    x : numpy.ndarray
        (N, C, H, W) floats.

    Returns
    -------
    numpy.ndarray
        (N, C) floats: for each picture, one number for each channel. x is left as it is.

    Example
    -------
    >>> global_avg_pool(np.array([[[[1.0, 3.0]], [[5.0, 6.0]]]]))
    array([[2. , 5.5]])
    """
    ### BEGIN SOLUTION
    return x.mean(axis=(2, 3))
    ### END SOLUTION

# %% check="04.global_avg_pool"
check("04.global_avg_pool", global_avg_pool)

# %% [markdown]
# ## 3. The receptive field: what a neuron sees
#
# A neuron of the first layer looks through a window of, for example, 3 by 3 pixels. That is enough for an edge, but
# not for a doughnut. A neuron of the second layer looks through 3 by 3 neurons of the first, and each of those looks
# at pixels of its own. All pixels that can affect a neuron, directly or through others, are its **receptive field**.
#
# **By hand**, along one axis. Take two layers with a kernel of 3 and stride 1. The upper neuron looks at three lower
# ones. The middle one of these sees pixels 1 to 3, and its neighbors see 0 to 2 and 2 to 4. Together they see pixels 0
# to 4. That makes five pixels and not nine, because the windows overlap. Each layer with a kernel of 3 adds one pixel
# on either side.
#
# **With a stride** the field grows faster. After pooling with stride 2, two neighbors in the map lie 2 pixels apart in
# the picture, so every step of a later kernel is 2 pixels long. Therefore keep track of two numbers on the way up: the
# field $r$, and the length of a step, the **jump** $j$, both in pixels. They start at $r_0 = 1$ and $j_0 = 1$, since a
# pixel sees only itself. Layer $l$, with kernel $k_l$ and stride $s_l$, turns them into
#
# $$r_l = r_{l-1} + (k_l - 1)\, j_{l-1}, \qquad j_l = j_{l-1}\, s_l .$$
#
# All of these are whole numbers. Padding does not matter: it moves the field, but does not widen it. Here are the
# layers of LeNet-5 up to C5:
#
# | layer | kernel $k$ | stride $s$ | field $r$ | jump $j$ |
# |---|---|---|---|---|
# | picture | | | 1 | 1 |
# | C1, convolution | 5 | 1 | $1 + 4 \cdot 1 = 5$ | 1 |
# | S2, pooling | 2 | 2 | $5 + 1 \cdot 1 = 6$ | 2 |
# | C3, convolution | 5 | 1 | $6 + 4 \cdot 2 = 14$ | 2 |
# | S4, pooling | 2 | 2 | $14 + 1 \cdot 2 = 16$ | 4 |
# | C5, convolution | 5 | 1 | $16 + 4 \cdot 4 = 32$ | 4 |
#
# LeNet-5's pictures are 32 by 32. After C5 a neuron sees the whole picture, and a larger field would gain nothing.
#
# Add layers with the slider and watch the red square. How many convolutions of 3 by 3 with stride 1 would it take to
# see a whole picture of 64 by 64? And how many with stride 2?

# %% tags=["demo"]
figs.receptive_fields(plate)

# %% [markdown]
# <details><summary>How many layers it takes</summary>
#
# Each convolution of 3 by 3 with stride 1 adds 2 pixels, so it takes 32 of them, which see 65. With stride 2 it takes
# six: five of them see 63 pixels, and six see 127.
# </details>
#
# This is why networks alternate: convolve, pool, convolve, pool. Deeper layers see more, so they can respond to larger
# things. When Zeiler and Fergus ([2013](https://arxiv.org/abs/1311.2901)) looked into a trained network, they found
# just that: corners and colored edges in layer 2, textures in layer 3, parts such as dogs' faces in layer 4, and whole
# objects in layer 5. This is called **hierarchical learning**: edges become textures, textures become parts, and parts
# become objects. Nobody told the layers to divide the work like that. You will look inside a network yourself in chapter 10.
#
# ### Exercise: `receptive_field`

# %% exercise="04.receptive_field"
def receptive_field(layers):
    """How many pixels, along one axis, can make a difference to one neuron of the last layer.

    Parameters
    ----------
    layers : list of (int, int)
        Kernel and stride of each layer, the one next to the picture first. A pooling counts
        with its size as kernel. The list may be empty: then the neuron is a pixel.

    Returns
    -------
    int
        The width of the receptive field in pixels, from its first pixel to its last. The edge
        of the picture does not count: take the picture as large enough.

    Example
    -------
    >>> receptive_field([(3, 1), (3, 1)]), receptive_field([(5, 1), (2, 2), (5, 1)])
    (5, 14)
    """
    ### BEGIN SOLUTION
    size, jump = 1, 1
    for kernel, stride in layers:
        size += (kernel - 1) * jump
        jump *= stride
    return size
    ### END SOLUTION

# %% check="04.receptive_field"
check("04.receptive_field", receptive_field)

# %% [markdown]
# **Not every pixel in the field counts equally.** A pixel in the middle of the field reaches the neuron along many
# paths, through many neurons in between, but a pixel at the border reaches it along just one. Count the paths for
# three layers with a kernel of 3, along one axis, by convolving ones with ones:

# %%
ways = np.ones(1)
for layer in range(1, 4):
    ways = np.convolve(ways, np.ones(3))
    print(f"after {layer} layer(s):", ways.astype(int))

# %%
figures.show(
    figs.paths(),
    "Three bar charts of the number of paths from each pixel to one neuron. After one layer of 3 all three pixels have "
    "one path; after three layers the middle has most; after eight layers the bars form a narrow bell.",
)

# %% [markdown]
# If all weights were equal, these bars would show how much each pixel counts. With more layers they look like a bell
# that is much narrower than the field. Luo and others ([2016](https://arxiv.org/abs/1701.04128)) measured the same in
# real networks and call it the *effective* receptive field. So give a network a larger field than the object it has to
# see.
#
# **A resting point.** You can pool, and you can say how much of a picture a neuron sees. What follows puts the layers
# together, until a whole network runs.
#
# ## 4. Shapes from layer to layer
#
# It is easy to get a shape wrong. With luck the program stops with an error; otherwise NumPy broadcasts, and goes on
# with nonsense. The best protection is to write the shapes down before you run anything. Four rules are enough for
# this chapter:
#
# | layer | written as | shape before | shape after |
# |---|---|---|---|
# | convolution | `("conv", filters, kernel, stride, padding)` | $(N, C, H, W)$ | $(N, F, OH, OW)$, $F$ = filters |
# | pooling | `("pool", size, stride)` | $(N, C, H, W)$ | $(N, C, OH, OW)$ |
# | flatten | `("flatten",)` | $(N, C, H, W)$ | $(N, D)$, $D = C \cdot H \cdot W$ |
# | dense | `("dense", units)` | $(N, D)$ | $(N, K)$, $K$ = units |
#
# The batch axis $N$ passes through everything unchanged. A ReLU changes no shape, so it is left out of the list.
#
# **By hand**: two pictures of $3 \times 10 \times 8$ through 4 filters of 3 by 3 without padding give $(2, 4, 8, 6)$.
# Pooling with size 2 and stride 2 turns that into $(2, 4, 4, 3)$. Flattened, it is $(2, 48)$. A dense layer with 5 units
# gives $(2, 5)$.
#
# ### Exercise: `trace_shapes`

# %% exercise="04.trace_shapes"
def trace_shapes(layers, shape):
    """The shape of a batch after every layer of a network.

    Parameters
    ----------
    layers : list of tuple
        Any of ("conv", filters, kernel, stride, padding), ("pool", size, stride), ("flatten",)
        and ("dense", units). Kernels and windows are square, sizes are rounded down, pooling
        has no padding. A dense layer comes only after a flatten or a dense layer.
    shape : tuple of int
        (N, C, H, W): the shape that goes in. H and W may differ.

    Returns
    -------
    list of tuple of int
        One shape for each layer, in order; the input's shape is not among them. The inputs
        are left as they are.

    Example
    -------
    >>> layers = [("conv", 4, 3, 1, 0), ("pool", 2, 2), ("flatten",), ("dense", 5)]
    >>> trace_shapes(layers, (2, 3, 10, 8))
    [(2, 4, 8, 6), (2, 4, 4, 3), (2, 48), (2, 5)]
    """
    ### BEGIN SOLUTION
    shapes = []
    for kind, *settings in layers:
        if kind == "conv":
            filters, kernel, stride, padding = settings
            n, _, h, w = shape
            h, w = (output_size(pixels, kernel, stride, padding) for pixels in (h, w))
            shape = (n, filters, h, w)
        elif kind == "pool":
            size, stride = settings
            n, c, h, w = shape
            shape = (n, c, output_size(h, size, stride), output_size(w, size, stride))
        elif kind == "flatten":
            n, c, h, w = shape
            shape = (n, c * h * w)
        elif kind == "dense":
            shape = (shape[0], settings[0])
        shapes.append(shape)
    return shapes
    ### END SOLUTION

# %% check="04.trace_shapes"
check("04.trace_shapes", trace_shapes)

# %% [markdown]
# ## 5. LeNet-5, layer by layer
#
# In 1998 Yann LeCun, Léon Bottou, Yoshua Bengio and Patrick Haffner published [Gradient-based learning applied to
# document recognition](http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf). The network in that paper reads
# handwritten digits. It has everything that you have met: convolutions, pooling, flattening and dense layers.

# %%
figs.lenet5()

# %% [markdown]
# Here is the network as it is usually written today. Every convolution has stride 1 and no padding, and its filters
# look at **all** incoming maps.
#
# | layer | what it does | shape after it | a neuron sees |
# |---|---|---|---|
# | input | | $(N, 1, 32, 32)$ | 1 |
# | C1 | 6 filters of 5 by 5 | $(N, 6, 28, 28)$ | 5 |
# | S2 | pooling, size 2, stride 2 | $(N, 6, 14, 14)$ | 6 |
# | C3 | 16 filters of 5 by 5 | $(N, 16, 10, 10)$ | 14 |
# | S4 | pooling, size 2, stride 2, then flatten | $(N, 16, 5, 5) \to (N, 400)$ | 16 |
# | C5 | 120 units on all 400 numbers | $(N, 120)$ | 32 |
# | F6 | dense, 84 units | $(N, 84)$ | 32 |
# | output | dense, one unit for each class | $(N, 10)$ | 32 |
#
# The paper calls C5 a convolution: 120 filters of 5 by 5 on maps of 5 by 5. They fit in only one place, so C5 is a
# dense layer on the 400 flattened numbers. The number of weights and biases is the same either way.
#
# ### Exercise: `lenet5_parameters`
#
# How many parameters does each layer have, weights and biases together? Make the picture's channels and the number of
# classes arguments, so that your function can be used for color plates, too.

# %% exercise="04.lenet5_parameters"
def lenet5_parameters(channels=1, classes=10):
    """The parameters of LeNet-5 as in the table above, layer by layer.

    Parameters
    ----------
    channels : int
        Channels of the picture, which is 32 by 32 pixels.
    classes : int
        Units of the output layer.

    Returns
    -------
    dict of str to int
        The number of weights and biases together for "C1", "C3", "C5", "F6" and "output".
        Poolings have none and are left out.

    Example
    -------
    >>> lenet5_parameters()["F6"]
    10164
    """
    ### BEGIN SOLUTION
    return {
        "C1": 6 * (channels * 5 * 5 + 1),
        "C3": 16 * (6 * 5 * 5 + 1),
        "C5": 120 * (16 * 5 * 5 + 1),
        "F6": 84 * (120 + 1),
        "output": classes * (84 + 1),
    }
    ### END SOLUTION

# %% check="04.lenet5_parameters"
check("04.lenet5_parameters", lenet5_parameters)

# %% [markdown]
# Which layers have the most? PyTorch counts them for us, and the cell also prints how many multiplications each layer takes for one
# picture:

# %%
layers = {
    "C1": (torch.nn.Conv2d(1, 6, 5), 28 * 28),
    "C3": (torch.nn.Conv2d(6, 16, 5), 10 * 10),
    "C5": (torch.nn.Linear(400, 120), 1),
    "F6": (torch.nn.Linear(120, 84), 1),
    "output": (torch.nn.Linear(84, 10), 1),
}
total = sum(p.numel() for layer, _ in layers.values() for p in layer.parameters())
for name, (layer, places) in layers.items():
    count = sum(p.numel() for p in layer.parameters())
    work = layer.weight.numel() * places
    print(f"{name:>6}: {count:>6,} parameters ({count / total:>5.1%})   {work:>7,} multiplications")
print(f" total: {total:>6,} parameters")

# %% [markdown]
# The convolutions have few parameters and do most of the work, while the first dense layer has most of the parameters
# and does little. In networks like this one, global average pooling saves a lot, because it makes that dense layer
# small.
#
# ### What was different in 1998
#
# - **C3 did not look at everything.** A table in the paper says which maps of S2 each of its 16 maps looks at: the
#   first six look at 3 each, the next nine at 4, and the last at all 6. That saved work, and forced the maps to
#   differ.
# - **Pooling had parameters.** S2 and S4, called subsampling layers, add up the four numbers of a window, multiply the sum by
#   a trained weight, add a trained bias, and squash the result. There is one weight and one bias for each map.
# - **The activation** was a scaled tanh instead of ReLU.
# - **The output** was not a dense layer. Each class had a fixed pattern of 84 numbers, a small picture of the digit,
#   and the score of a class was the distance between F6's output and its pattern (a radial basis function). These patterns were set by hand.
#
# The paper gives 60,000 trainable parameters. Do we get the same number?

# %%
looks_at = [3] * 6 + [4] * 9 + [6]  # maps of S2 that each map of C3 looks at
c3 = sum(25 * maps + 1 for maps in looks_at)
paper = {"C1": 6 * 26, "S2": 6 * 2, "C3": c3, "S4": 16 * 2, "C5": 120 * 401, "F6": 84 * 121}
print(paper)
print("sum:", sum(paper.values()))

# %% [markdown]
# ## 6. A whole network: the forward pass
#
# Now put the parts together. The network of this section follows LeNet's pattern on a small scale:
#
# **conv → ReLU → pool → conv → ReLU → pool → flatten → dense**
#
# Its convolutions are chapter 03's, with stride 1 and no padding. Here is a short version for you to call:

# %%
def conv2d(x, w, b):
    """A convolution layer with stride 1 and no padding: (N, C, H, W) and (F, C, k_h, k_w) to (N, F, OH, OW)."""
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    return np.einsum("ncijuv,fcuv->nfij", windows, w) + b[:, None, None]

# %% [markdown]
# Three questions come up when you write the rest.
#
# **In which order does flatten put the numbers?** The dense layer has one row of weights for each number that comes in, so both
# sides must use the same order. NumPy and PyTorch go channel by channel, and in each channel row by row; that is
# `reshape` on $(N, C, H, W)$. Libraries that keep the channels last flatten in another order. If you move weights from
# one kind of library to the other, the network gives nonsense, without any error message.
#
# **ReLU before or after the max pooling?** Try it:

# %%
window = np.array([-3.0, 2.0, -1.0, 0.5])
print("ReLU, then maximum:", np.maximum(window, 0).max(), "  maximum, then ReLU:", np.maximum(window.max(), 0))
window = -np.abs(window)
print("ReLU, then maximum:", np.maximum(window, 0).max(), "  maximum, then ReLU:", np.maximum(window.max(), 0))

# %% [markdown]
# It makes no difference: ReLU never reverses the order of two numbers, so it can come before or after. (With average
# pooling the order does matter.)
#
# **Where is the softmax?** Not here. The network returns scores (also called *logits*), and the next chapter turns
# them into probabilities, together with the loss. Note that PyTorch's `CrossEntropyLoss` applies the softmax itself.
# If you also put one at the end of the network, it is applied twice:

# %%
scores = torch.tensor([4.0, 1.0, 0.0])
once = torch.softmax(scores, dim=0)
print("once: ", once.numpy().round(3))
print("twice:", torch.softmax(once, dim=0).numpy().round(3))

# %% [markdown]
# There is no error message, only a network that can never be confident: the second softmax sees nothing but numbers
# between 0 and 1. With three classes it cannot get above $e / (e + 2) \approx 0.58$.
#
# ### Exercise: `cnn_forward`
#
# Call `conv2d` and your own `max_pool2d`. The check does not accept PyTorch.

# %% exercise="04.cnn_forward"
def cnn_forward(x, params):
    """A small convolutional network, from pictures to scores.

    conv -> ReLU -> max pool -> conv -> ReLU -> max pool -> flatten -> dense. The convolutions
    have stride 1 and no padding; the poolings have size 2 and stride 2.

    Parameters
    ----------
    x : numpy.ndarray
        (N, C, H, W) floats.
    params : dict of str to numpy.ndarray
        "w1" (F1, C, K1, K1) and "b1" (F1,), "w2" (F2, F1, K2, K2) and "b2" (F2,) for the
        convolutions; "w3" (D, K) and "b3" (K,) for the dense layer.

    Returns
    -------
    numpy.ndarray
        (N, K) floats: the scores as the dense layer gives them, with neither ReLU nor softmax
        after it. The maps are flattened channel by channel, each row by row. x and params are
        left as they are.

    Example
    -------
    >>> x = np.zeros((1, 1, 6, 6))
    >>> params = {"w1": np.ones((1, 1, 1, 1)), "b1": np.array([2.0]),
    ...           "w2": np.ones((1, 1, 2, 2)), "b2": np.array([1.0]),
    ...           "w3": np.array([[1.0, -1.0]]), "b3": np.array([0.0, 0.5])}
    >>> cnn_forward(x, params)
    array([[ 9. , -8.5]])
    """
    ### BEGIN SOLUTION
    maps = np.maximum(conv2d(x, params["w1"], params["b1"]), 0)
    maps = max_pool2d(maps, 2, 2)
    maps = np.maximum(conv2d(maps, params["w2"], params["b2"]), 0)
    maps = max_pool2d(maps, 2, 2)
    return maps.reshape(len(maps), -1) @ params["w3"] + params["b3"]
    ### END SOLUTION

# %% check="04.cnn_forward"
check("04.cnn_forward", cnn_forward)

# %% [markdown]
# **The same network on the plate.** Its filters were chosen by hand. The first layer has four filters for edges, one
# for "more red than green and blue", and one for brightness. The second layer combines them: any edge at all, vertical
# edges, horizontal edges, and red areas *without* edges, which is what smooth icing looks like. (A wooden table looks
# the same to this filter.) The cell uses the figure's own NumPy, so it runs even before you have done the exercise,
# and it compares the scores with PyTorch's.

# %%
x = figs.small(plate, 64).transpose(2, 0, 1)[None]  # (1, 3, 64, 64)
params = figs.hand_made_network(classes=5, seed=seed)
maps = figs.network_maps(x, params)
figs.show_maps(x, maps)

tensors = {name: torch.tensor(value) for name, value in params.items()}
pool, relu = torch.nn.MaxPool2d(2), torch.relu
one = pool(relu(torch.nn.functional.conv2d(torch.tensor(x), tensors["w1"], tensors["b1"])))
two = pool(relu(torch.nn.functional.conv2d(one, tensors["w2"], tensors["b2"])))
answer = two.flatten(1) @ tensors["w3"] + tensors["b3"]
print(f"largest difference to PyTorch: {np.abs(answer.numpy() - maps['scores']).max():.1e}")

# %% [markdown]
# Compare the first two rows: pooling halves each map's height and width, and you still recognize it. Compare the first row with the
# third: the second layer no longer describes a pixel but a region. One of its neurons sees 8 by 8 pixels.
#
# The scores at the end mean nothing, because the weights of the dense layer were drawn at random. To make them mean
# *doughnut*, someone has to say how wrong they are (chapter 05) and in which direction to change every weight
# (chapters 06 and 07). After that, nobody has to make the filters by hand either.
#
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** A max pooling layer of size 2 and stride 2 gets 16 maps. How many parameters does it have?
#
# - a) 16
# - b) 0
# - c) 32
# - d) 4
#
# **2.** Three convolutions with a kernel of 3 and stride 1 follow one another. How many pixels, along one axis, does a
# neuron of the third one see?
#
# - a) 3
# - b) 5
# - c) 7
# - d) 9
#
# **3.** The picture moves by one pixel. What can you say, without looking at the picture, about its edge map after max
# pooling with windows of 2 that touch?
#
# - a) It changes wherever the maximum of a window crosses into another window, and stays the same elsewhere.
# - b) It stays exactly as it was.
# - c) It always changes less than the edge map itself.
# - d) It always changes, because the shift is smaller than the window.
#
# **4.** A batch of shape $(8, 16, 28, 28)$ goes through a pooling layer of size 2 and stride 2. What comes out?
#
# - a) $(8, 8, 14, 14)$
# - b) $(8, 16, 27, 27)$
# - c) $(8, 1, 14, 14)$
# - d) $(8, 16, 14, 14)$
#
# **5.** Which layer of LeNet-5 has most of its parameters?
#
# - a) C1, because it sees the picture
# - b) C5, because it is attached to 400 numbers
# - c) S4, because it has 16 maps
# - d) the output, because it decides

# %% exercise="04.quiz"
### BEGIN SOLUTION
### STUB answer_1 = None
### STUB answer_2 = None
### STUB answer_3 = None
### STUB answer_4 = None
### STUB answer_5 = None
answer_1 = "b"
answer_2 = "c"
answer_3 = "a"
answer_4 = "d"
answer_5 = "b"
### END SOLUTION

# %% check="04.quiz"
check("04.quiz", answer_1, answer_2, answer_3, answer_4, answer_5)

# %% [markdown]
# ## What you know now
#
# - Pooling keeps one number for each window, channel by channel, and has nothing to learn.
# - It absorbs some small shifts and not others; how much it helps has to be measured. The mean of a whole map depends
#   least on where the feature is.
# - A neuron's receptive field grows by (kernel − 1) times the product of all strides before it.
# - Shapes can be worked out before anything runs. The batch axis passes through unchanged.
# - In LeNet-5 the convolutions do most of the work, and the first dense layer has most of the parameters.
# - A network returns scores. The softmax is applied once, together with the loss.
#
# ### Cheat sheet
#
# | what | formula or shape | note |
# |---|---|---|
# | pooling | $(N, C, H, W) \to (N, C, OH, OW)$ | no parameters |
# | output size | $\lfloor (n - k)/s \rfloor + 1$ | windows that hang over are left out |
# | global average pooling | $(N, C, H, W) \to (N, C)$ | pictures of any size |
# | receptive field | $r_l = r_{l-1} + (k_l - 1)\,j_{l-1}$, $r_0 = 1$ | a pooling counts too |
# | jump | $j_l = j_{l-1}\,s_l$, $j_0 = 1$ | pixels between neighbors of a map |
# | flatten | $(N, C, H, W) \to (N, C \cdot H \cdot W)$ | channel by channel, row by row |
# | dense | $(N, D) \to (N, K)$, $K\,(D + 1)$ parameters | |
# | LeNet-5 today | C1, S2, C3, S4, C5, F6, output | 61,706 parameters for gray digits |
#
# ### Words
#
# - **average pooling**: the mean of each window.
# - **downsampling**: making a map smaller, by pooling or by a stride; also **subsampling**.
# - **effective receptive field**: the middle part of the receptive field, which accounts for most of the result.
# - **flatten**: writing the maps of a picture as one row of numbers.
# - **global average pooling**: the mean of each whole map.
# - **hierarchical learning**: early layers respond to edges, later ones to textures, parts and whole objects.
# - **invariance**: the output stays the same when the input moves. If the output moves with the input, that is **equivariance**.
# - **jump**: how many pixels of the picture lie between two neighbors of a map.
# - **LeNet-5**: LeCun's network for handwritten digits from 1998: convolution, pooling, convolution, pooling, and
#   dense layers.
# - **max pooling**: the largest value of each window.
# - **receptive field**: the part of the picture that can influence one number of a layer.
#
# ### Next
#
# Your network gives scores, and so far they mean nothing. Chapter 05 measures *how* wrong they are, with two losses
# that punish different things.
#
# ### Further reading
#
# - [cs231n, Convolutional Networks](https://cs231n.github.io/convolutional-networks/): pooling, layer patterns,
#   sizing.
# - Michael Nielsen, [Neural Networks and Deep Learning](http://neuralnetworksanddeeplearning.com/chap6.html), chapter
#   6: pooling, and a network for digits built step by step.
# - Goodfellow, Bengio and Courville, [Deep Learning](https://www.deeplearningbook.org/contents/convnets.html),
#   section 9.3: pooling and invariance.
# - LeCun and others, [Gradient-based learning applied to document
#   recognition](http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf), section II: LeNet-5 in its authors' words.
# - Springenberg and others, [Striving for simplicity](https://arxiv.org/abs/1412.6806): what happens if strides
#   replace pooling.
# - Araujo, Norris and Sim, [Computing receptive fields of convolutional neural
#   networks](https://distill.pub/2019/computing-receptive-fields/).
