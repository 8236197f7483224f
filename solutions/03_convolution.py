# %% [markdown]
# # 03 Convolution
#
# A network that looks at food has to find the rim of a plate, wherever the plate is. This chapter is about the
# operation that makes this possible.
#
# **When you are done, you can**
#
# - compute a convolution by hand, as a sum, and say how it relates to the integral of the same name;
# - say what flipping has to do with it, and why deep learning leaves the flip out;
# - choose kernels that blur, sharpen and find edges, and predict from nine numbers what they will do;
# - let a kernel learn its weights from examples, by gradient descent;
# - work out the size of a layer's output and the number of its parameters in your head;
# - write a whole convolution layer, with batches, channels, padding and stride, in two ways: with loops, and as one
#   matrix product.
#
# **What you build**: `convolve1d`, `correlate2d`, the Sobel pair, `kernel_grad`, `output_size`, `pad`, `conv2d`, `im2col`, and
# `conv2d_im2col`. These are the eyes of MealoMi, the app that grows through the course.
#
# **Time**: about 210 minutes, with a resting point after section 6. **You need**: NumPy slices and broadcasting, and
# the weighted sum and the dense layer of chapter 02.

# %%
import numpy as np
import matplotlib.pyplot as plt

from introdl import check, data, figures, hint
from introdl.figures import convolution as figs

figures.use_style()

# %% tags=["parameters"]
seed = 3  # of the small random examples
repeats = 7  # how often the race at the end is timed

# %% [markdown]
# If an exercise is hard, call `hint("03.convolve1d")` in a cell of your own, with the exercise's id. Each call shows
# one more hint.
#
# ## 1. Why not a dense layer?
#
# Here is lunch: a picture of 256 by 256 pixels with three channels, red, green and blue.

# %%
doughnut = data.doughnut()
figure, axes = plt.subplots(figsize=(3.4, 3.6))
axes.imshow(doughnut)
axes.set_title("A doughnut: 196,608 numbers")
axes.set_xlabel("width (pixels)")
axes.set_ylabel("height (pixels)")
axes.grid(visible=False)
figures.show(figure, "A doughnut with pink icing and sprinkles on a white plate on a wooden table.")
print("height, width, channels:", doughnut.shape, " numbers:", doughnut.size)

# %% [markdown]
# Give all of it to one neuron of a dense layer, and that neuron has one weight for each of the 196,608 numbers. Worse,
# it learns about *places* instead of *things*. Move the plate ten pixels to the right, and every pixel of the rim
# meets a weight that has never seen a rim.
#
# Two ideas solve both problems.
#
# - **Look locally.** Whether there is a rim at some place can be seen from the few pixels around it.
# - **Share weights.** A rim looks the same everywhere, so the same few weights will do everywhere.
#
# Take a small neuron, with nine weights for example, and slide it over the picture. That is convolution. The operation
# is older than computers, and it is easiest to understand in one dimension.
#
# ## 2. Convolution in one dimension
#
# **By hand.** You eat 400 kcal at 8:00, nothing at 9:00, and 200 kcal at 10:00, so $f = [400, 0, 200]$. Suppose that
# half of what you eat arrives in the same hour, 30 % an hour later and 20 % two hours later: $g = [0.5, 0.3, 0.2]$.
# (We made these shares up; a real stomach is slower.) What arrives at 10:00, in hour $n = 2$? From the first meal comes
# the share for two hours later, and from the last meal the share for the same hour:
#
# $$f[0]\,g[2] + f[1]\,g[1] + f[2]\,g[0] = 400 \cdot 0.2 + 0 \cdot 0.3 + 200 \cdot 0.5 = 80 + 0 + 100 = 180 .$$
#
# In general the **convolution** of two sequences is
#
# $$(f * g)[n] = \sum_{k} f[k]\, g[n - k],$$
#
# - $f$, shape $(N,)$: what comes in, here in kcal at each hour.
# - $g$, shape $(M,)$: which share of it arrives $0, 1, 2, \dots$ hours later.
# - $f * g$, shape $(N + M - 1,)$: what arrives at each hour, from everything that came in before. The sum runs over
#   every $k$ for which both $f[k]$ and $g[n-k]$ exist.
#
# Here is every hour, with each meal in its own color:

# %%
f = np.array([400.0, 0.0, 200.0])
g = np.array([0.5, 0.3, 0.2])
figures.show(
    figs.echoes(f, g),
    "Stacked bars for five hours. The meal of 400 kcal adds 200, 120 and 80 kcal from 8 to 10 "
    "o'clock; the meal of 200 kcal adds 100, 60 and 40 from 10 to 12. At 10 they add up to 180.",
)
print("energy arriving (kcal):", np.convolve(f, g), " total:", np.convolve(f, g).sum())

# %% [markdown]
# You can read the figure in two ways, and both will come back.
#
# - **Echoes.** Each meal $f[k]$ leaves a copy of $g$, scaled by $f[k]$ and starting at hour $k$. Add the copies.
# - **Looking back.** At hour $n$, what was eaten $0, 1, 2, \dots$ hours ago is weighted by $g[0], g[1], g[2], \dots$
#   So while $k$ runs forward, the index into $g$ runs backward. That is the **flip**.
#
# Three hours of eating and three shares give $3 + 3 - 1 = 5$ hours. And since the shares add up to 1, all 600 kcal
# arrive.
#
# <details><summary>The convolution integral, which is where the name comes from</summary>
#
# For two functions of continuous time the sum becomes an integral:
#
# $$(f * g)(t) = \int_{-\infty}^{\infty} f(\tau)\, g(t - \tau)\, d\tau$$
#
# Here $f(\tau)$ is what comes in at time $\tau$, and $g(t-\tau)$ is the share of it that arrives after a time $t -
# \tau$. A computer only has samples, one number per hour or per pixel, so it multiplies the sum by the step $\Delta$
# between samples, and the sum approaches the integral as $\Delta$ shrinks. Take $f(t) = g(t) = e^{-t}$ with $t \ge
# 0$. The integral is $t\, e^{-t}$, which at $t = 1$ is $e^{-1} = 0.3679$. With $\Delta = 0.1$ the sum is 0.4047, with
# 0.01 it is 0.3716: a tenth of the step gives a tenth of the error.
# </details>
#
# ### Exercise: `convolve1d`
#
# Write the sum. The check does not accept NumPy's own `np.convolve` here, nor anything from `scipy.signal`.

# %% exercise="03.convolve1d"
def convolve1d(f, g):
    """Full convolution of two sequences: out[n] = sum over k of f[k] * g[n - k].

    Parameters
    ----------
    f : numpy.ndarray
        (N,) floats, N >= 1.
    g : numpy.ndarray
        (M,) floats, M >= 1. It may be longer than f.

    Returns
    -------
    numpy.ndarray
        (N + M - 1,) floats. f and g are left as they are.

    Example
    -------
    >>> convolve1d(np.array([400.0, 0.0, 200.0]), np.array([0.5, 0.3, 0.2]))
    array([200., 120., 180.,  60.,  40.])
    """
    ### BEGIN SOLUTION
    out = np.zeros(len(f) + len(g) - 1)
    for k in range(len(f)):
        out[k : k + len(g)] += f[k] * g
    return out
    ### END SOLUTION

# %% check="03.convolve1d"
check("03.convolve1d", convolve1d)

# %% [markdown]
# ## 3. Convolution or cross-correlation: flip or not
#
# Now leave the flip out. Let $g$ slide along $f$ as it is, multiply the numbers that lie on top of each other, and
# add:
#
# $$(f \star g)[n] = \sum_{k} f[n + k]\, g[k].$$
#
# This is **cross-correlation**, and it answers a different question. Convolution asks what arrives here from all the
# echoes. Cross-correlation asks how much the signal here looks like $g$. (The question is fair
# where the weights of $g$ add up to 0. Otherwise a bright signal always scores high.)
#
# **By hand**, with $f = [1, 2, 3, 4]$ and $g = [1, 0, -1]$, at the two places where all of $g$ lies on $f$ (NumPy and
# SciPy call these the *valid* places):
#
# | | first place | second place |
# |---|---|---|
# | cross-correlation | $1\cdot1 + 2\cdot0 + 3\cdot(-1) = -2$ | $2\cdot1 + 3\cdot0 + 4\cdot(-1) = -2$ |
# | convolution (flip $g$ to $[-1, 0, 1]$ first) | $1\cdot(-1) + 2\cdot0 + 3\cdot1 = 2$ | $2\cdot(-1) + 3\cdot0 + 4\cdot1 = 2$ |
#
# Which of the two does a *convolution* layer compute? Ask PyTorch:

# %%
import torch

f, g = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 0.0, -1.0])
batch, filters = torch.tensor(f).reshape(1, 1, 4), torch.tensor(g).reshape(1, 1, 3)
print("np.convolve     ", np.convolve(f, g, mode="valid"))
print("np.correlate    ", np.correlate(f, g, mode="valid"))
print("PyTorch's conv1d", torch.nn.functional.conv1d(batch, filters).numpy().ravel())

# %% [markdown]
# **Deep learning says convolution and computes cross-correlation.** It makes no difference to what a network can
# learn: the weights are learned, and a network that had to flip its kernels would simply learn the flipped ones. So
# everybody leaves out the flip. It does make a difference when you take a kernel from a book or from another library:
# find out first which of the two operations it is meant for. For a kernel that looks the same after half a turn, such
# as a blur, both agree.
#
# From here on, a kernel is laid on the picture as it is.
#
# ## 4. Two dimensions
#
# A picture has rows and columns, so the window moves along both:
#
# $$Y[i, j] = \sum_{u=0}^{k_h-1} \sum_{v=0}^{k_w-1} X[i + u,\; j + v]\; K[u, v]$$
#
# - $X$: the image, shape $(H, W)$.
# - $K$: the **kernel**, shape $(k_h, k_w)$: the weights of the small neuron.
# - $Y$: the output, shape $(H - k_h + 1,\; W - k_w + 1)$: one number for each place where the kernel fits.
#
# **By hand**, with a kernel that compares a pixel with the one below and to the right of it:
#
# $$X = \begin{bmatrix}1&2&0\\0&1&3\\2&1&1\end{bmatrix},\qquad K = \begin{bmatrix}1&0\\0&-1\end{bmatrix}$$
#
# $$Y[0,0] = 1\cdot1 + 2\cdot0 + 0\cdot0 + 1\cdot(-1) = 0$$
#
# $$Y[0,1] = 2\cdot1 + 0\cdot0 + 1\cdot0 + 3\cdot(-1) = -1$$
#
# Compute the two numbers of the second row yourself. They are $-1$ and $0$.
#
# Press play, or move the slider with the arrow keys. The picture below is dark (0) on the left and bright (2) on the
# right, and the kernel takes the right side minus the left side. Where is the output large? Then tick *flip the
# kernel*. What happens to every number, and why?

# %% tags=["demo"]
rim = np.array(
    [
        [0, 0, 0, 2, 2],
        [0, 0, 2, 2, 2],
        [0, 0, 2, 2, 2],
        [0, 0, 0, 2, 2],
        [0, 0, 0, 0, 2],
    ]
)
right_minus_left = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])
figs.sliding_window(rim, right_minus_left, step=5)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# The output is largest, 6, where all three rows of the window go from dark to bright, and smaller where only one or
# two do. Flipping turns the kernel by half a turn, so that it takes the left side minus the right side, and every
# number changes its sign.
# </details>
#
# Put your own numbers in: change `rim` or the kernel in the cell above and run it again. Try a kernel of 2 by 3. Leave
# padding and stride alone for now; they come in section 7.
#
# ### Exercise: `correlate2d`

# %% exercise="03.correlate2d"
def correlate2d(image, kernel):
    """Slide a kernel, unflipped, over an image, to all places where the kernel lies wholly on the image.

    Parameters
    ----------
    image : numpy.ndarray
        (H, W) floats.
    kernel : numpy.ndarray
        (k_h, k_w) floats, with k_h <= H and k_w <= W. It need not be square.

    Returns
    -------
    numpy.ndarray
        (H - k_h + 1, W - k_w + 1) floats. The inputs are left as they are.

    Example
    -------
    >>> image = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [2.0, 1.0, 1.0]])
    >>> correlate2d(image, np.array([[1.0, 0.0], [0.0, -1.0]]))
    array([[ 0., -1.],
           [-1.,  0.]])
    """
    ### BEGIN SOLUTION
    kernel_height, kernel_width = kernel.shape
    height = image.shape[0] - kernel_height + 1
    width = image.shape[1] - kernel_width + 1
    out = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            window = image[i : i + kernel_height, j : j + kernel_width]
            out[i, j] = np.sum(window * kernel)
    return out
    ### END SOLUTION

# %% check="03.correlate2d"
check("03.correlate2d", correlate2d)

# %% [markdown]
# ## 5. Kernels that blur, sharpen and find edges
#
# Before networks learned their kernels, people designed them. The best way to get a feel for kernels is to play with
# some. The lab turns the doughnut gray and shrinks it to 128 pixels, so that you can see what a 3 by 3 kernel
# does.
#
# Try these, and guess before you look:
#
# 1. *identity*, then *shift left*. Why does a 1 to the right of the middle move the picture to the **left**?
# 2. *blur (box)*, applied once, then 6 times. Then untick *divide by the sum*.
# 3. *sharpen*. The sum of the weights is 1. What stays the same?
# 4. *Sobel x* and *Sobel y*. The sum is 0. What happens to the smooth icing?
# 5. Make a kernel of your own that answers 0 to vertical and to horizontal edges, but not to slanted ones. (It can be
#    done. Watch the sum of each row and of each column.)

# %% tags=["demo"]
figs.kernel_lab(doughnut, preset="Sobel x")

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# 1. The output at each pixel is the pixel on its right, so what was on the right is now one place further left.
# 2. Each box blur replaces a pixel by the mean of nine, and six in a row give a smooth, bell-shaped blur. Without the
#    division each pass makes the picture nine times as bright, so it is soon all white.
# 3. Flat areas keep their brightness; only edges get a darker and a brighter fringe.
# 4. The smooth icing turns mid-gray, which stands for 0, because nothing changes there. Only edges are left.
# 5. For example <code>-1 0 1 / 0 0 0 / 1 0 -1</code>. Every row and every column adds up to 0, so an edge along rows
#    or along columns gives 0. At a slanted edge the four corners no longer cancel.
# </details>
#
# **The sum of the weights tells you most of what a kernel does.** On a flat area all nine pixels have the same value $a$, so the
# output is $a$ times the sum of the weights.
#
# - Sum 1: flat areas keep their brightness (identity, blur, sharpen).
# - Sum 0: flat areas vanish, and only *change* is left (Sobel, outline). The outputs have both signs, so zero is drawn
#   as mid-gray.
# - *Divide by the sum* turns nine ones into a mean. Without it, a flat area gets nine times as bright.
#
# **What an edge kernel does, step by step.** Three rows of pixels `0 0 1 1`, dark then bright, meet Sobel x:
#
# | place | window, each row | each row's difference, right minus left | with weights 1, 2, 1 | output |
# |---|---|---|---|---|
# | $j = 0$ | 0 0 1 | 1 | $1 + 2 + 1$ | **4** |
# | $j = 1$ | 0 1 1 | 1 | $1 + 2 + 1$ | **4** |
#
# Turn the picture around, bright then dark, and both outputs are $-4$. On a flat area they are 0. So the sign tells
# you in which direction it gets brighter.
#
# ### Exercise: `edge_kernels`
#
# Write the pair named after Irwin Sobel. Each kernel takes a difference in one direction, and smooths with weights
# 1, 2, 1 in the other.

# %% exercise="03.edge_kernels"
def edge_kernels():
    """The two Sobel kernels, to be used unflipped (cross-correlation).

    Returns
    -------
    gx : numpy.ndarray
        (3, 3), whole numbers from -2 to 2. Its answer is positive where the picture gets
        brighter to the right.
    gy : numpy.ndarray
        (3, 3), whole numbers from -2 to 2. Its answer is positive where the picture gets
        brighter downwards.

    Example
    -------
    >>> gx, gy = edge_kernels()
    >>> ramp = np.array([[0, 1, 2], [0, 1, 2], [0, 1, 2]])
    >>> int((ramp * gx).sum()), int((ramp * gy).sum())
    (8, 0)
    """
    ### BEGIN SOLUTION
    gx = np.outer([1, 2, 1], [-1, 0, 1])
    return gx, gx.T.copy()
    ### END SOLUTION

# %% check="03.edge_kernels"
check("03.edge_kernels", edge_kernels)

# %% [markdown]
# Both answers together give the **edge strength** $\sqrt{g_x^2 + g_y^2}$, nearly the same for every direction of the edge.
# Here it is on the doughnut, with the lab's own Sobel kernels:

# %%
sobel_x, sobel_y = (np.array(figs.PRESETS[name][0]) for name in ("Sobel x", "Sobel y"))
figures.show(
    figs.edges(doughnut, sobel_x, sobel_y),
    "Four panels: the doughnut in gray; its change to the right, blue where it gets brighter; its "
    "change downwards; and the edge strength, which draws the plate's rim, the icing and the sprinkles.",
)

# %% [markdown]
# Nobody told these eighteen numbers what a plate is. A convolution layer has many more numbers like these, and it
# *learns* them. In large networks that were trained on photographs, many kernels of the first layer look like
# detectors for edges and colors (see figure 3 of [Krizhevsky, Sutskever and Hinton
# 2012](https://proceedings.neurips.cc/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html), with kernels
# of 11 by 11). Kernels of 3 by 3 in a small network are harder to read. You look at some in chapter 10.
#
# **Does a kernel find the rim wherever the plate is?** Move the picture ten pixels to the right, and compare the edges.
# (SciPy has a `correlate2d` as well. We use it here so that this cell runs whether or not you have written yours.)

# %%
from scipy.signal import correlate2d as scipy_correlate2d

picture = figs.gray(doughnut)
moved = np.roll(picture, 10, axis=1)
edges = scipy_correlate2d(picture, sobel_x, mode="valid")
edges_of_moved = scipy_correlate2d(moved, sobel_x, mode="valid")
difference = np.abs(edges_of_moved[:, 10:] - edges[:, :-10]).max()
print(f"pixels that changed when the plate moved: {np.mean(picture != moved):.0%}")
print(f"largest difference between 'move, then edges' and 'edges, then move': {difference}")

# %% [markdown]
# Nearly every pixel changes, and yet the answer is the same, only moved by ten pixels. This is called **translation
# equivariance**: when the input moves, the output moves with it. It is what you gain by sharing weights. (It holds away
# from the border, and with the stride of section 7 for shifts by whole strides.)

# %% [markdown]
# ## 6. A kernel that learns
#
# Sobel chose his weights by thinking. Could a computer find them from examples? Suppose that you have a picture $X$,
# and somebody gives you the edges $T$ that the kernel should find in it, but not the kernel itself. Start with any
# kernel $K$, and make its error smaller step by step, as you did with the neuron of chapter 02.
#
# **By hand**, with the 3 by 3 picture of section 4. The kernel begins with zeros, so its answer $Y$ is 0 everywhere, and the
# **error** $E = Y - T$ is minus what is wanted:
#
# $$X = \begin{bmatrix}1&2&0\\0&1&3\\2&1&1\end{bmatrix},\quad T = \begin{bmatrix}0&-1\\-1&0\end{bmatrix},\quad
# Y = \begin{bmatrix}0&0\\0&0\end{bmatrix},\quad E = Y - T = \begin{bmatrix}0&1\\1&0\end{bmatrix}$$
#
# The **loss** is the mean of the squared errors, $(0 + 1 + 1 + 0)/4 = 0.5$. Now take one weight, $K[0, 0]$. At each
# of the four places it lies on a different pixel: on $X[0,0]$, $X[0,1]$, $X[1,0]$ and $X[1,1]$. If the weight grows a
# little, the answer at each place grows by that amount times the pixel. So multiply the error at each place by the
# pixel under the weight there, and add up the products. This is the weight's part in the errors:
#
# $$0 \cdot 1 + 1 \cdot 2 + 1 \cdot 0 + 0 \cdot 1 = 2$$
#
# The slope of the square contributes a factor of 2, and the mean of four a factor of 1/4, so the slope of the loss is $\tfrac24
# \cdot 2 = 1$. Do the same for $K[0, 1]$, which lay on 2, 0, 1 and 3: $\tfrac24 (1 \cdot 0 + 1 \cdot 1) = 0.5$. In
# general, with $n$ outputs,
#
# $$L = \frac1n \sum_{i,j} E[i,j]^2, \qquad \frac{\partial L}{\partial K[u, v]} = \frac2n \sum_{i,j} E[i, j]\; X[i + u,\; j + v]$$
#
# Look at the sum on the right. You know this sum: it is a **cross-correlation of the picture with the error**. Slide
# the error over the picture. At each offset $[u, v]$ where the two match, the weight $K[u, v]$ has to change.
#
# - $X$: the picture, shape $(H, W)$. $K$: the kernel, shape $(k_h, k_w)$.
# - $T$, $Y$, $E$: what is wanted, what the kernel answers, and the error, all of shape $(H - k_h + 1, W - k_w + 1)$.
# - The gradient has the kernel's shape: $H - (H - k_h + 1) + 1 = k_h$ rows.
#
# ### Exercise: `kernel_grad`
#
# Two cross-correlations and a subtraction. You may call your `correlate2d`.

# %% exercise="03.kernel_grad"
def kernel_grad(image, kernel, target):
    """Gradient of the mean squared error of a kernel's answer, with respect to the kernel.

    Parameters
    ----------
    image : numpy.ndarray
        (H, W) floats.
    kernel : numpy.ndarray
        (k_h, k_w) floats. Its answer is its cross-correlation with the image, at all places where
        it lies wholly on it.
    target : numpy.ndarray
        (H - k_h + 1, W - k_w + 1) floats: the answer that is wanted.

    Returns
    -------
    numpy.ndarray
        (k_h, k_w) floats: the slope of mean((answer - target)**2) for each weight. The inputs are
        left as they are.

    Example
    -------
    >>> image = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [2.0, 1.0, 1.0]])
    >>> kernel_grad(image, np.zeros((2, 2)), np.array([[0.0, -1.0], [-1.0, 0.0]]))
    array([[1. , 0.5],
           [1.5, 2. ]])
    """
    ### BEGIN SOLUTION
    error = correlate2d(image, kernel) - target
    return 2 / error.size * correlate2d(image, error)
    ### END SOLUTION

# %% check="03.kernel_grad"
check("03.kernel_grad", kernel_grad)

# %% [markdown]
# Now let a kernel learn Sobel x from the doughnut and its edges. **Gradient descent** repeats one line: `kernel = kernel - rate *
# gradient`. Here is a piece of 40 by 40 pixels with your function. (Until you have written it, the cell tells you so.)

# %%
gray_picture = figs.half(doughnut) - figs.half(doughnut).mean()      # (128, 128), around 0
piece = gray_picture[40:80, 30:70]
wanted = scipy_correlate2d(piece, sobel_x, mode="valid")
learned = np.zeros((3, 3))
try:
    for step in range(401):
        if step in (0, 20, 100, 400):
            print(f"step {step:3d}: loss {np.mean((scipy_correlate2d(piece, learned, mode='valid') - wanted) ** 2):.5f}")
        learned = learned - 1.0 * kernel_grad(piece, learned, wanted)
    print(learned.round(2))
except NotImplementedError:
    print("Write kernel_grad first, then run this cell again.")

# %% [markdown]
# The figure shows the same on the whole picture, starting from a random kernel.
#
# 1. Step through it. When can you see the edges? When do you recognize Sobel's numbers?
# 2. The loss is close to 0 long before the kernel is right. How can that be?

# %% tags=["demo"]
figs.kernel_learns(gray_picture, sobel_x, seed=seed)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# After some 20 steps the outlines are there, and after 100 the kernel looks like a Sobel kernel, but not exactly: its
# middle row is still too weak, and the row above is lopsided. In a picture like this one a pixel is nearly the same as
# the one above it, so it makes hardly any difference which row of the kernel does the work, and the loss has little
# to say about it. With more steps it gets there. A picture of random noise, in which neighbors differ, would teach
# the same kernel in ten steps.
# </details>
#
# This is how the weights of a convolution layer learn, with one difference: nobody tells a network what edges its
# kernels should find. It is given only the right answer at the very end, and chapter 06 brings the error back from
# there to every kernel.
#
# **A resting point.** One kernel on one gray picture is done, and so is half of the chapter. What follows turns it into a layer.

# %% [markdown]
# ## 7. Padding and stride
#
# So far, the output is always smaller than the input: a kernel of size 3 fits into 5 pixels at only 3 places. And the
# pixels at the border are covered by fewer windows than the others. Ten layers of 3 by 3 would shrink 32 pixels to 12. On the
# other hand, a large map is a lot of work, and neighboring numbers in it say much the same. Two settings give you control
# over both. Here they are the same for height and width.
#
# - **Padding** $p$: put $p$ rows and columns of zeros around the picture, on every side, and the map stays as large as you
#   want. The price: where the picture is bright, the frame of zeros looks like an edge.
# - **Stride** $s$: move the window by $s$ pixels at a time instead of 1. With $s = 2$ the map has a quarter of the numbers,
#   takes a quarter of the work, and each step of the next layer covers twice the distance.
#
# How many places are there, for $n$ pixels and a kernel of size $k$? With padding the row has $n + 2p$ pixels. The kernel
# lies at the left end; from there it can move $n + 2p - k$ pixels, in steps of $s$. The last step must fit
# completely, and the starting place counts too:
#
# $$o = \left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1$$
#
# | where | $n$ | $k$ | $s$ | $p$ | $o$ |
# |---|---|---|---|---|---|
# | first layer of LeNet-5 (chapter 04) | 32 | 5 | 1 | 0 | $27 + 1 = 28$ |
# | "same" size with a kernel of 3 | 32 | 3 | 1 | 1 | $31 + 1 = 32$ |
# | half the size | 32 | 3 | 2 | 1 | $\lfloor 31 / 2 \rfloor + 1 = 16$ |
# | first layer of AlexNet | 227 | 11 | 4 | 0 | $216 / 4 + 1 = 55$ |
#
# (AlexNet's paper says 224 pixels, for which the division does not come out even; see the notes of
# [cs231n](https://cs231n.github.io/convolutional-networks/).)
#
# Each bar below is one place of the kernel. Find a setting where pixels are left over at the end, and one where a
# pixel in the *middle* of the picture is never looked at.

# %% tags=["demo"]
figs.output_sizes(n=10, kernel=3, stride=2, padding=0)

# %% [markdown]
# <details><summary>Two such settings</summary>
#
# The setting at the start, $n = 10$, $k = 3$, $s = 2$, leaves the last pixel unused: there are $\lfloor 7/2 \rfloor + 1
# = 4$ places, and they cover pixels 0 to 8. Pixels in the middle are skipped as soon as the stride is larger than the
# kernel, for example with $k = 2$ and $s = 3$.
# </details>
#
# Libraries do not warn you about pixels that are left over. With an odd kernel, stride 1 and $p = (k - 1) / 2$ the
# output is as large as the input.
#
# ### Exercise: `output_size`

# %% exercise="03.output_size"
def output_size(n, kernel, stride=1, padding=0):
    """How many places a kernel has along one axis.

    Parameters
    ----------
    n, kernel : int
        Pixels along the axis, and the kernel's size. The kernel fits: n + 2 * padding >= kernel.
    stride : int
        Pixels from one place to the next, at least 1.
    padding : int
        Zeros added at *each* of the two ends.

    Returns
    -------
    int

    Example
    -------
    >>> output_size(32, 5), output_size(7, 3, 2, 1)
    (28, 4)
    """
    ### BEGIN SOLUTION
    return (n + 2 * padding - kernel) // stride + 1
    ### END SOLUTION

# %% check="03.output_size"
check("03.output_size", output_size)

# %% [markdown]
# ### Exercise: `pad`
#
# From here on pictures come in batches. A **batch** has shape $(N, C, H, W)$: $N$ pictures, $C$ channels, $H$ rows,
# $W$ columns. Padding goes around each picture, not around the batch.

# %% exercise="03.pad"
def pad(x, p):
    """Put a border of p zeros around every channel of every picture.

    Parameters
    ----------
    x : numpy.ndarray
        (N, C, H, W) floats.
    p : int
        Width of the border on each of the four sides, in pixels; it may be 0.

    Returns
    -------
    numpy.ndarray
        (N, C, H + 2 * p, W + 2 * p) floats. x is left as it is.

    Example
    -------
    >>> pad(np.array([[[[5.0, 6.0]]]]), 1)
    array([[[[0., 0., 0., 0.],
             [0., 5., 6., 0.],
             [0., 0., 0., 0.]]]])
    """
    ### BEGIN SOLUTION
    return np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    ### END SOLUTION

# %% check="03.pad"
check("03.pad", pad)

# %% [markdown]
# ## 8. Channels in, filters out
#
# A color picture has three channels, and so each **filter** has three slices, one for each channel. It is a block of
# weights of shape $(C, k_h, k_w)$ that slides along height and width, never along the channels. All its products,
# from all channels, go into **one** sum, and a bias is added once. So one filter makes one output channel, also
# called a **feature map**, however many channels come in.
#
# To look for more than one thing, use more filters. $F$ filters make $F$ feature maps, and these are the channels of
# the next layer's input:
#
# $$Y[n, f, i, j] = b[f] + \sum_{c=0}^{C-1} \sum_{u=0}^{k_h-1} \sum_{v=0}^{k_w-1}
# \tilde X[n,\, c,\, i s + u,\, j s + v]\; w[f, c, u, v]$$
#
# | symbol | name | shape |
# |---|---|---|
# | $\tilde X$ | the padded batch | $(N, C, H + 2p, W + 2p)$ |
# | $w$ | the filters | $(F, C, k_h, k_w)$ |
# | $b$ | the biases, one for each filter | $(F,)$ |
# | $s$, $p$ | stride and padding | whole numbers |
# | $Y$ | the output, or feature maps | $(N, F, OH, OW)$ |
#
# *Weights*, *filter* and *kernel* mean the same thing in most texts. Where a distinction is made, a kernel is one
# slice, $(k_h, k_w)$, and a filter is the whole block.
#
# **By hand**, with three channels and a 1 by 1 kernel. The icing at `doughnut[120, 80] / 255` has, rounded, red 0.9,
# green 0.6 and blue 0.7. A filter with weights $1, -1, 0$ and bias $0.1$ answers
#
# $$0.9\cdot1 + 0.6\cdot(-1) + 0.7\cdot0 + 0.1 = 0.4 .$$
#
# On a gray pixel, where all three are equal, it answers $0.1$: it is a detector for "more red than green". As you see,
# a **1 × 1 convolution** does not look around at all. It mixes the channels of each pixel, and it is exactly a dense
# layer that is applied at every pixel.
#
# Now the whole thing: three channels, two filters, stride 2, padding 1. Trace one output number back to its three
# sums. Then raise the stride to 3, and after that the padding to 2. How large is the output each time?

# %% tags=["demo"]
rng = np.random.default_rng(seed)
small_image = rng.integers(0, 3, (3, 5, 5))  # (C, H, W)
two_filters = rng.integers(-1, 2, (2, 3, 3, 3))  # (F, C, k_h, k_w)
figs.sliding_window(small_image, two_filters, bias=[1, 0], stride=2, padding=1, step=2)

# %% [markdown]
# <details><summary>The three sizes</summary>
#
# With padding 1 the picture has $5 + 2 = 7$ pixels per side. Stride 2 gives $\lfloor (7 - 3) / 2 \rfloor + 1 = 3$
# places per side, stride 3 gives $\lfloor 4 / 3 \rfloor + 1 = 2$ with one pixel left over, and padding 2 makes it
# $\lfloor 6 / 3 \rfloor + 1 = 3$ again.
# </details>
#
# ### Exercise: `conv2d`
#
# This is the heart of the chapter, and you have all the parts. Loops are welcome: get it right first, and fast later.

# %% exercise="03.conv2d"
def conv2d(x, w, b, stride=1, padding=0):
    """A convolution layer (cross-correlation with a bias), forward.

    Parameters
    ----------
    x : numpy.ndarray
        (N, C, H, W) floats: the batch.
    w : numpy.ndarray
        (F, C, k_h, k_w) floats: the filters, used unflipped.
    b : numpy.ndarray
        (F,) floats: one bias for each filter.
    stride, padding : int
        The same for height and width. The padding is made of zeros. Pixels that are left
        over are not used.

    Returns
    -------
    numpy.ndarray
        (N, F, OH, OW) floats, with OH and OW as from `output_size`. The inputs are left as
        they are.

    Example
    -------
    >>> x = np.arange(6.0).reshape(1, 1, 2, 3)
    >>> conv2d(x, np.ones((1, 1, 2, 2)), np.array([10.0]))
    array([[[[18., 22.]]]])
    """
    ### BEGIN SOLUTION
    images, channels, height, width = x.shape
    filters, _, kernel_height, kernel_width = w.shape
    padded = pad(x, padding)
    out_height = output_size(height, kernel_height, stride, padding)
    out_width = output_size(width, kernel_width, stride, padding)
    out = np.zeros((images, filters, out_height, out_width))
    for n in range(images):
        for f in range(filters):
            for i in range(out_height):
                for j in range(out_width):
                    top, left = i * stride, j * stride
                    block = padded[n, :, top : top + kernel_height, left : left + kernel_width]
                    out[n, f, i, j] = np.sum(block * w[f]) + b[f]
    return out
    ### END SOLUTION

# %% check="03.conv2d"
check("03.conv2d", conv2d)

# %% [markdown]
# ## 9. How many parameters weight sharing saves
#
# How many parameters does a convolution layer have? $F$ filters of $C \cdot k_h \cdot k_w$ weights, and $F$ biases:
#
# $$F \cdot (C \cdot k_h \cdot k_w + 1).$$
#
# The size of the picture does not matter. Ten filters of 5 by 5 on a color picture of 32 by 32 have $10 \cdot (3 \cdot
# 25 + 1) = 760$ parameters. A dense layer between the same input and the same output needs one weight for every *pair*
# of numbers:

# %%
inputs, outputs = 3 * 32 * 32, 10 * 28 * 28
convolution, dense = 10 * (3 * 5 * 5 + 1), inputs * outputs + outputs
print(f"convolution: {convolution:,} parameters")
print(f"dense:       {inputs:,} x {outputs:,} weights + {outputs:,} biases = {dense:,} parameters")
print(f"ratio:       {dense / convolution:,.0f}")

# %% [markdown]
# Still, a convolution is a kind of dense layer. Flatten the picture, and the convolution is a dense layer whose weight matrix has a
# pattern. Here is that matrix for a 5 by 5 picture and a 3 by 3 kernel, whose nine weights are numbered 0 to 8. Every
# white cell is a zero: that is *look locally*. Every row holds the same nine numbers: that is *share weights*.

# %%
figures.show(
    figs.dense_matrix(np.zeros((3, 3)), 5, 5),
    "A matrix of 9 rows, one for each output, and 25 columns, one for each pixel. Each row holds the "
    "kernel's nine weights in three groups of three, a little further right than the row before. The "
    "other cells are empty.",
)

# %% [markdown]
# Fewer parameters do not mean less work. Each of the 760 is used at $28 \cdot 28 = 784$ places, and that takes time.
# The next section deals with it.
#
# **Two small kernels instead of a large one.** How large should a kernel be? Stack two 3 by 3 layers on top of each
# other. An output of the second sees 3 by 3 outputs of the first, and these together see 5 by 5 pixels. So two layers
# of 3 by 3 see as much as one of 5 by 5, and three see as much as one of 7 by 7. Compare their weights, with 64
# channels in and out of every layer:

# %%
for size, layers in ((5, 2), (7, 3)):
    one, stack = 64 * 64 * size * size, layers * 64 * 64 * 3 * 3
    print(f"one layer of {size} x {size}: {one:,} weights    {layers} layers of 3 x 3: {stack:,} ({stack / one:.0%})")

# %% [markdown]
# The stack has fewer weights, and with a ReLU after each layer it is more nonlinear. That was the idea of VGG
# ([Simonyan and Zisserman 2014](https://arxiv.org/abs/1409.1556), section 2.3), second in classification at the
# ImageNet challenge of 2014. The ResNet of chapter 11 is built from such pairs, too.
#
# ## 10. Convolution as one matrix product: im2col
#
# Your `conv2d` spends its time in Python's loops, which are slow. NumPy and PyTorch are fast at one thing above all:
# multiplying large matrices. So bring the work into this form. Every window is a list of $C \cdot k_h \cdot k_w$
# numbers, every filter is a list of $C \cdot k_h \cdot k_w$ weights, and each output number is the dot product of one
# with the other. Write all windows as the rows of one matrix, and all filters as the columns of another:
#
# $$\underbrace{\text{im2col}(X)}_{(N \cdot OH \cdot OW,\; C \cdot k_h \cdot k_w)} \;\cdot\;
# \underbrace{w'}_{(C \cdot k_h \cdot k_w,\; F)} \;+\; b \;=\; \underbrace{Y'}_{(N \cdot OH \cdot OW,\; F)}$$
#
# $w'$ holds the filters of $w$ as its columns. $Y'$ holds the numbers of $Y$, one row for each place.
#
# The trick is called **im2col**, image to columns. (Here the windows are rows, which suits NumPy; many texts transpose
# everything.) What matters is the order.
#
# - **Rows**: picture by picture ($n$), in each picture from top to bottom ($i$), in each line from left to right
#   ($j$).
# - **Columns**: channel by channel ($c$), in each channel row by row ($u$), in each row from left to right ($v$). This
#   is the order in which NumPy stores a filter.
#
# **By hand**: one picture, one channel, 2 by 3 pixels, a kernel of 2 by 2. There are two windows, so two rows:
#
# $$x[0, 0] = \begin{bmatrix}1&2&3\\4&5&6\end{bmatrix} \quad\to\quad
# \begin{bmatrix}1&2&4&5\\2&3&5&6\end{bmatrix}$$
#
# With two channels each row is twice as long. Move the slider and watch which pixels form which row:

# %% tags=["demo"]
two_channels = np.arange(1, 13).reshape(3, 4) + np.array([0, 20]).reshape(2, 1, 1)
figs.im2col_rows(two_channels, kh=2, kw=2)

# %% [markdown]
# ### Exercise: `im2col`

# %% exercise="03.im2col"
def im2col(x, kh, kw, stride=1, padding=0):
    """Write every window of every picture as one row of a matrix.

    Parameters
    ----------
    x : numpy.ndarray
        (N, C, H, W) floats.
    kh, kw : int
        Height and width of the kernel.
    stride, padding : int
        As in `conv2d`; the padding is made of zeros.

    Returns
    -------
    numpy.ndarray
        (N * OH * OW, C * kh * kw) floats. Rows in the order n, i, j and columns in the order
        c, u, v, the last one running fastest: row n * OH * OW + i * OW + j holds, in column
        c * kh * kw + u * kw + v, the padded pixel [n, c, i * stride + u, j * stride + v].
        x is left as it is.

    Example
    -------
    >>> x = np.array([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    >>> im2col(x, 2, 2)
    array([[1., 2., 4., 5.],
           [2., 3., 5., 6.]])
    """
    ### BEGIN SOLUTION
    windows = np.lib.stride_tricks.sliding_window_view(pad(x, padding), (kh, kw), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]  # (N, C, OH, OW, kh, kw)
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * kh * kw)
    ### END SOLUTION

# %% check="03.im2col"
check("03.im2col", im2col)

# %% [markdown]
# ### Exercise: `conv2d_im2col`
#
# This is the same layer as `conv2d`, with one `@` instead of the loops. Write the shapes down first. Most mistakes
# here come from a `reshape` that gives the right shape and the wrong order.
#
# The check looks only at the numbers, so a copy of your `conv2d` would pass. The timing below would show it.

# %% exercise="03.conv2d_im2col"
def conv2d_im2col(x, w, b, stride=1, padding=0):
    """A convolution layer as one matrix product. It may call `im2col` and `output_size`.

    Parameters
    ----------
    x : numpy.ndarray
        (N, C, H, W) floats.
    w : numpy.ndarray
        (F, C, k_h, k_w) floats.
    b : numpy.ndarray
        (F,) floats.
    stride, padding : int
        As in `conv2d`.

    Returns
    -------
    numpy.ndarray
        (N, F, OH, OW) floats, the same as from `conv2d`. The inputs are left as they are.

    Example
    -------
    >>> x = np.arange(6.0).reshape(1, 1, 2, 3)
    >>> conv2d_im2col(x, np.ones((1, 1, 2, 2)), np.array([10.0]))
    array([[[[18., 22.]]]])
    """
    ### BEGIN SOLUTION
    number, kh, kw = len(w), w.shape[2], w.shape[3]
    rows = output_size(x.shape[2], kh, stride, padding)
    columns = output_size(x.shape[3], kw, stride, padding)
    product = im2col(x, kh, kw, stride, padding) @ w.reshape(number, -1).T + b
    return product.reshape(len(x), rows, columns, number).transpose(0, 3, 1, 2)
    ### END SOLUTION

# %% check="03.conv2d_im2col"
check("03.conv2d_im2col", conv2d_im2col)

# %% [markdown]
# ### Timing: loops against matrix products
#
# Here are four ways to compute the same layer on the same numbers: 2 pictures of 8 channels and 32 by 32 pixels, 16
# filters of 3 by 3, padding 1, in float64. That is $2 \cdot 16 \cdot 32 \cdot 32 \cdot 8 \cdot 9 \approx 2.4$ million
# multiplications. *Seven loops* does them one at a time in plain Python. What you have not written yet is left out.
#
# A fair comparison needs care. Each contestant runs once to warm up. Then it is timed several times and the median
# counts, because a computer has other things to do now and then. And all of them get **one thread**; only the last bar
# shows PyTorch with as many threads as it takes by default on your machine.

# %% tags=["demo"]
def torch_conv2d(x, w, b, stride, padding):
    x, w, b = torch.from_numpy(x), torch.from_numpy(w), torch.from_numpy(b)
    return torch.nn.functional.conv2d(x, w, b, stride=stride, padding=padding).numpy()


rng = np.random.default_rng(seed)
x = rng.random((2, 8, 32, 32))
w, b = rng.standard_normal((16, 8, 3, 3)), rng.standard_normal(16)
contestants = {
    "seven loops": figs.seven_loops,
    "your conv2d": conv2d,
    "your conv2d_im2col": conv2d_im2col,
    "PyTorch": torch_conv2d,
}
setting = {"stride": 1, "padding": 1, "repeats": repeats}
times = figs.race(contestants, x, w, b, threads=1, **setting)
threads = torch.get_num_threads()
more = figs.race({"PyTorch": torch_conv2d}, x, w, b, threads=threads, **setting)
times[f"PyTorch, {threads} thread{'s' if threads > 1 else ''}"] = more["PyTorch"]

gain = times["seven loops"] / times["PyTorch"]
chart = figs.race_chart(times, f"The same multiplications, {gain:,.0f} times as fast")
figures.show(chart, figs.race_words(times))

# %% [markdown]
# Note the grid lines: from each one to the next is a factor of ten. All contestants compute the same sums of products, and what differs is
# mainly the overhead; a library's matrix product also uses the processor's vector instructions and its cache well. Seven loops pay for Python's overhead at every product, four loops pay for it at every output number, and
# one matrix product pays for it once. On a layer as small as this one, more threads need not help, because starting
# them takes time, too. For large layers and batches they do help.
#
# The speed has a price. Under a 3 by 3 kernel with stride 1 a pixel lies in nine windows, so im2col writes it nine
# times:

# %%
pixels = 2 * 8 * 32 * 32
copies = (2 * 32 * 32) * (8 * 3 * 3)  # rows times columns
print(f"x:      {pixels:>9,} numbers, {pixels * 8 / 1e6:.2f} MB")
print(f"im2col: {copies:>9,} numbers, {copies * 8 / 1e6:.2f} MB, {copies / pixels:.0f} times as many")

# %% [markdown]
# Libraries avoid this. [cuDNN](https://arxiv.org/abs/1410.0759), the library behind PyTorch's convolutions on NVIDIA
# GPUs, can cut out the windows piece by piece in the GPU's fast memory, so that the large matrix is never written out
# as a whole. The idea stays the same.
#
# ## 11. Stretch: separable kernels
#
# The binomial blur is an **outer product** of a column and a row:
#
# $$\begin{bmatrix}1&2&1\\2&4&2\\1&2&1\end{bmatrix} = \begin{bmatrix}1\\2\\1\end{bmatrix}
# \begin{bmatrix}1&2&1\end{bmatrix}$$
#
# Such a kernel is **separable**. Sliding the column over the picture, and then the row over the result, gives the same
# as sliding the square, with fewer multiplications: $2k$ instead of $k^2$ for each pixel. For an 11 by 11 kernel that is
# 22 instead of 121.

# %%
column, row = np.array([[1.0], [2.0], [1.0]]), np.array([[1.0, 2.0, 1.0]])
at_once = scipy_correlate2d(picture, column @ row, mode="valid")
halfway = scipy_correlate2d(picture, column, mode="valid")
in_two_steps = scipy_correlate2d(halfway, row, mode="valid")
print(f"largest difference: {np.abs(at_once - in_two_steps).max():.1e}")

# %% [markdown]
# Not every kernel is separable. In an outer product all rows are multiples of one row; its **rank** is 1. Sobel's
# kernels have rank 1. In *sharpen* the rows `0 -1 0` and `-1 5 -1` are not multiples of one another, so its rank is
# above 1.
#
# ### Exercise: `separable`

# %% exercise="03.separable"
def separable(kernel):
    """Take a kernel apart into a column and a row, if it has rank 1.

    Parameters
    ----------
    kernel : numpy.ndarray
        (k_h, k_w) floats, k_h and k_w at least 2, not all of them zero. Single entries, rows and
        columns may be zero. It need not be square.

    Returns
    -------
    (column, row) or None
        Two 1-D arrays of shapes (k_h,) and (k_w,) with np.outer(column, row) equal to the
        kernel up to rounding. Only the product is checked: [2, 4] and [3] are as good as
        [1, 2] and [6]. None where the rank is above 1. No kernel is a close call, whether its
        numbers are large or tiny: its second singular value is either rounding, less than a
        billionth of the first, or more than a thousandth. The kernel is left as it is.

    Example
    -------
    >>> column, row = separable(np.array([[1.0, 2.0], [3.0, 6.0]]))
    >>> np.outer(column, row).round(6)
    array([[1., 2.],
           [3., 6.]])
    >>> separable(np.array([[1.0, 0.0], [0.0, 1.0]])) is None
    True
    """
    ### BEGIN SOLUTION
    left, sizes, right = np.linalg.svd(kernel)
    if sizes[1] > 1e-6 * sizes[0]:
        return None
    return left[:, 0] * sizes[0], right[0]
    ### END SOLUTION

# %% check="03.separable"
check("03.separable", separable)

# %% [markdown]
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** What does a convolution layer, such as PyTorch's `conv2d`, compute?
#
# - a) the convolution with each kernel flipped along both axes
# - b) the product of all pixels with all weights
# - c) the cross-correlation with each filter, plus a bias
# - d) the convolution integral
#
# **2.** A layer has ten 5 by 5 filters, and its input is 32 by 32 color pictures. How many parameters does it have, biases
# included?
#
# - a) 250
# - b) 760
# - c) 1,000
# - d) 7,840
#
# **3.** Pictures of 32 by 32, a kernel of 5 by 5, stride 1. Which padding keeps the size?
#
# - a) 2
# - b) 3
# - c) 4
# - d) 0
#
# **4.** The kernel has 8 in the middle and $-1$ in the other eight places. What is its answer on a flat area of
# brightness 0.5?
#
# - a) 0.5
# - b) 4
# - c) 8
# - d) 0
#
# **5.** A row of 8 pixels, a kernel of 3, stride 2, no padding. What happens?
#
# - a) There are 4 outputs, and the last window hangs over the end.
# - b) There are 3 outputs, and the last pixel is never looked at.
# - c) There is an error, because 8 - 3 cannot be divided by 2.
# - d) There are 4 outputs, because a zero is added at the end.

# %% exercise="03.quiz"
### BEGIN SOLUTION
### STUB answer_1 = None
### STUB answer_2 = None
### STUB answer_3 = None
### STUB answer_4 = None
### STUB answer_5 = None
answer_1 = "c"
answer_2 = "b"
answer_3 = "a"
answer_4 = "d"
answer_5 = "b"
### END SOLUTION

# %% check="03.quiz"
check("03.quiz", answer_1, answer_2, answer_3, answer_4, answer_5)

# %% [markdown]
# ## What you know now
#
# - A convolution is a sum of products in which one index runs backward. For continuous signals the sum becomes an
#   integral.
# - Convolution flips the kernel, cross-correlation does not. Deep learning computes the second and calls it the first.
# - The sum of a kernel's weights tells you what happens to flat areas: 1 keeps them, 0 removes them.
# - A kernel can learn: its gradient is the cross-correlation of the picture with the error.
# - A filter spans all channels and makes one map. $F$ filters make $F$ channels for the next layer.
# - Sharing weights makes a layer small, and makes its output move with its input.
# - With every window as a row, the layer is one matrix product.
#
# ### Cheat sheet
#
# | what | formula or shape | note |
# |---|---|---|
# | full convolution | $\sum_k f[k]\,g[n-k]$, length $N + M - 1$ | one index runs backward: the flip |
# | cross-correlation, 2-D | $\sum_{u,v} X[i+u, j+v]\,K[u,v]$ | what layers compute |
# | gradient of a kernel | $\tfrac2n \sum_{i,j} E[i,j]\,X[i+u, j+v]$ | of the mean squared error, $E = Y - T$ |
# | output size | $\lfloor (n + 2p - k)/s \rfloor + 1$ | the same for height and width |
# | padding that keeps the size | $p = (k - 1)/2$ | odd $k$, stride 1 |
# | input, filters, bias, output | $(N,C,H,W)$, $(F,C,k_h,k_w)$, $(F,)$, $(N,F,OH,OW)$ | |
# | parameters | $F\,(C \cdot k_h \cdot k_w + 1)$ | the size of the picture does not matter |
# | multiplications | $N \cdot F \cdot OH \cdot OW \cdot C \cdot k_h \cdot k_w$ | here the size of the picture matters |
# | im2col | $(N \cdot OH \cdot OW,\; C \cdot k_h \cdot k_w)$ | rows $n, i, j$; columns $c, u, v$ |
# | separable | $K = \text{column} \cdot \text{row}$ | rank 1; $2k$ instead of $k^2$ multiplications |
#
# ### Words
#
# - **convolution**: a sum of products in which the kernel slides over the input, flipped; deep learning leaves out the
#   flip.
# - **cross-correlation**: a convolution without the flip, and what a convolution layer really computes.
# - **edge detection**: finding where a picture gets brighter or darker, for instance with the two Sobel kernels.
# - **feature map**: one channel of a layer's output: the response of one filter at every place.
# - **filter**: the weights that make one output channel: a kernel for each input channel, and a bias.
# - **im2col**: writing every window of a picture as the row of a matrix, so that a convolution becomes a matrix
#   product.
# - **kernel**: the small array of weights that slides over a channel.
# - **one-by-one convolution**: a convolution that looks at a single pixel and mixes its channels, written $1 \times
#   1$.
# - **padding**: a border, usually of zeros, put around the input.
# - **separable kernel**: a kernel that is the product of a column and a row.
# - **stride**: how many pixels the window moves from one output to the next.
# - **valid**: counting only the places where the whole kernel lies on the input; **full** also counts those where
#   only part of it does.
# - **weight sharing**: using the same weights at every place of a picture.
#
# ### Next
#
# The output of a layer moves when the plate moves. To say "doughnut", wherever it is, a network must in the end
# *forget* the place. Chapter 04 shows what pooling does for that, asks how much of the picture a neuron in a deep
# layer can see, and puts your layers together into LeNet-5.
#
# ### Further reading
#
# - [cs231n, Convolutional Networks](https://cs231n.github.io/convolutional-networks/): the notes whose sliding-window
#   demo was the model for the figures here.
# - Michael Nielsen, [Neural Networks and Deep Learning](http://neuralnetworksanddeeplearning.com/chap6.html), chapter 6:
#   local receptive fields and shared weights, built up slowly.
# - Goodfellow, Bengio and Courville, [Deep Learning](https://www.deeplearningbook.org/contents/convnets.html), chapter 9:
#   sparse interactions, parameter sharing, equivariance.
# - [ConvNetJS](https://cs.stanford.edu/people/karpathy/convnetjs/): networks that train in the browser, filters and maps
#   in view.
# - Dumoulin and Visin, [A guide to convolution arithmetic for deep learning](https://arxiv.org/abs/1603.07285): padding
#   and stride, case by case.
