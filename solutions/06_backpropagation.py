# %% [markdown]
# # 06 Backpropagation
#
# The loss says how wrong MealoMi is. Its network has thousands of weights, or millions. Which of them should change,
# and in which direction? Backpropagation answers that for all of them at once: the forward and the backward pass
# together take about the time of three forward passes.
#
# **When you are done, you can**
#
# - say why the equations of a network cannot be solved with a formula, and what is done instead;
# - measure a gradient numerically, choose a good step, and say what it costs;
# - apply the chain rule on a graph with numbers, forward and backward, by hand;
# - write an autograd engine that is small enough to read in one go;
# - say why networks use reverse mode and not forward mode, and what that costs in memory;
# - carry a gradient back through a dense layer, ReLU, cross-entropy, a convolution and max pooling;
# - test each of these with a gradient check, and say what happens to the check where a function has a corner.
#
# **What you build**: `numerical_gradient`, the class `Value` with `backward`, the backward pass of five layers, and in
# the end all gradients of a network that learns.
#
# **Time**: about 240 minutes, with a resting point after section 4. **You need**: chapter 02 (the dense layer), 03
# (convolution), 04 (max pooling), 05 (cross-entropy), and from school the slope of $x^2$ and of a product.

# %%
import math
import sys
import time

import numpy as np
import torch

from introdl import check, figures, hint
from introdl.figures import backpropagation as figs

figures.use_style()

# %% tags=["parameters"]
seed = 6  # of everything that is drawn at random
plates_per_moon = 60  # on the board at the end
steps = 500  # of gradient descent there

# %% [markdown]
# If an exercise is hard, call `hint("06.backward")` in a cell of your own, with the exercise's id. Each call shows one
# more hint.
#
# ## 1. Gradient descent: no formula, so walk downhill
#
# You want the weights with the smallest loss. At the lowest point the loss is flat: all slopes are 0. For a straight
# line and the squared error, *all slopes are 0* is a set of linear equations, and a formula solves them. That was
# chapter 01.
#
# For a network there is no such formula. Take just a single layer with softmax and cross-entropy. Its slopes are 0
# where
#
# $$\frac1N \sum_{i=1}^{N} \big(p_i - \text{onehot}(y_i)\big)\, x_i^\top = 0 .$$
#
# - $x_i$: a plate's features, shape $(D,)$; $\text{onehot}(y_i)$: its label as a one-hot row, shape $(K,)$.
# - $p_i$: the probabilities, shape $(K,)$. They contain the unknown weights, in the exponents of a fraction.
#
# No formula isolates the weights here, and every further layer makes it harder. The problem is **not analytically
# solvable**, so you use a **numerical method**.
#
# The method is called **gradient descent**: find out in which direction the loss grows, take a small step in the
# opposite direction, and repeat. Here it looks for the lowest point of $L(w) = w^4 - 3w + 2$, whose slope is $4w^3 -
# 3$:

# %%
w, rate = 2.0, 0.05
for step in range(12):
    slope = 4 * w**3 - 3
    if step in (0, 1, 2, 3, 11):
        print(f"step {step:>2}   w {w:.4f}   loss {w**4 - 3 * w + 2:.4f}   slope {slope:+.4f}")
    w = w - rate * slope
print(f"lowest point: w = {(3 / 4) ** (1 / 3):.4f}")

# %% [markdown]
# Here there was one weight, and its slope was given. A network has many weights, so it needs the **gradient**: the
# slopes with respect to all of them. How to choose the step is the topic of chapter 07. How to get the gradient is the
# topic of this one.
#
# ## 2. The numerical gradient
#
# A slope is how much the loss changes for each unit of a weight. So move one weight a little, and see how much the loss changes:
#
# $$\frac{\partial f}{\partial x_k} \approx \frac{f(x + h e_k) - f(x - h e_k)}{2h}$$
#
# - $x$: an array of any shape; $x_k$: one of its numbers.
# - $e_k$: an array of the same shape, 1 at $k$ and 0 elsewhere. So only $x_k$ moves.
# - $h$: the **step**, a small number above 0.
#
# This is the **central difference**: it looks to both sides. **By hand** for $f(x) = x_1^3 + 2x_2^3$ at $x = [1, 2]$,
# with a wide step $h = 0.5$:
#
# | moved | above | below | difference over $2h = 1$ | true slope |
# |---|---|---|---|---|
# | $x_1$ | $1.5^3 + 16 = 19.375$ | $0.5^3 + 16 = 16.125$ | 3.25 | $3 \cdot 1^2 = 3$ |
# | $x_2$ | $1 + 2 \cdot 2.5^3 = 32.25$ | $1 + 2 \cdot 1.5^3 = 7.75$ | 24.5 | $6 \cdot 2^2 = 24$ |
#
# Both differences are too large, by an amount that is proportional to $h^2$. A smaller step would help. How small
# should it be?
#
# ### Exercise: `numerical_gradient`
#
# The check does not accept the ready-made differences of NumPy and SciPy, and in this whole chapter it does not accept
# torch. (The cells between the exercises use torch as a referee.)

# %% exercise="06.numerical_gradient"
def numerical_gradient(f, x, h=1e-5):
    """Gradient of f at x by central differences.

    Parameters
    ----------
    f : callable
        Takes an array of x's shape and returns one number.
    x : numpy.ndarray
        Floats, of any shape. When you return, x is to the last bit as it was: move copies,
        or keep the old number and put it back.
    h : float
        The step, above 0: each number is moved by h to either side, all others stay.

    Returns
    -------
    numpy.ndarray
        Of x's shape: the slope of f with respect to each number.

    Example
    -------
    >>> numerical_gradient(lambda x: x[0] ** 3 + 2 * x[1] ** 3, np.array([1.0, 2.0]), 0.5)
    array([ 3.25, 24.5 ])
    """
    ### BEGIN SOLUTION
    grad = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        grad[index] = (f(up) - f(down)) / (2 * h)
    return grad
    ### END SOLUTION

# %% check="06.numerical_gradient"
check("06.numerical_gradient", numerical_gradient)

# %% [markdown]
# ### How small a step? Truncation versus rounding
#
# Two kinds of error have to be balanced.
#
# - **Truncation.** A curve is not straight, so a wide step misses its curvature. For *forward differences*, $(f(x+h) -
#   f(x))/h$, the error is about $\tfrac12 f'' h$. For central differences the curvature cancels, and about $\tfrac16
#   f''' h^2$ remains. Halve the step, and the error falls to a half in the first case, and to a quarter in the second.
# - **Rounding.** A float64 has about 16 digits; the last one is worth $\varepsilon \approx 2.2 \cdot 10^{-16}$ of the
#   number. $f(x+h)$ and $f(x-h)$ agree in most of their digits, so only a few meaningful digits are left in the
#   difference. Divided by $h$, that is an error of about $\varepsilon |f| / h$.
#
# Change the step size $h$ with the slider.
#
# 1. Find the lowest point of each V, for $\sin x$. How much lower is that of central differences?
# 2. On the right branches, go from $10^{-1}$ to $10^{-2}$. By what factor does each error fall?
# 3. Change to float32. Where is the best step now, and how small does the error get?
# 4. Take $1000 + \sin x$. The slope is the same. Which branch has moved, and why?

# %% tags=["demo"]
figs.step_explorer(exponent=-5.0)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# 1. The relative error reaches about 10⁻⁹ to 10⁻⁸ with forward differences and about 10⁻¹² with central ones.
# 2. By a factor of 10 for forward differences, and by a factor of 100 for central ones: that is h against h².
# 3. The best step is now near 10⁻² for central differences, and the error does not get below about 10⁻⁶.
# 4. The left branch has moved up. The numbers are a thousand times larger, and so are their rounding errors, while the
#    curvature, and with it the right branch, is the same.
# </details>
#
# The best step is where the two errors are balanced. Write the sum $\tfrac16 |f'''| h^2 + \varepsilon |f| / h$, set
# its slope to 0, and you find
#
# $$h = \Big(3 \varepsilon \, \frac{|f|}{|f'''|}\Big)^{1/3} ,$$
#
# that is, $\varepsilon^{1/3}$ times a scale of the function. Where $f$ and its derivatives are about 1, it is near
# $10^{-5}$ in float64. For forward differences the same calculation leads to $\varepsilon^{1/2} \approx 10^{-8}$. See
# whether the measured numbers agree:

# %%
grid = 10.0 ** np.arange(-15, 0.01, 0.25)
for kind in (np.float64, np.float32):
    errors = figs.step_errors("sin x at 1", grid, kind)
    eps = np.finfo(kind).eps
    ratio = math.tan(1.0)  # |f| / |f'''| for sin
    print(f"{kind.__name__}: eps {eps:.1e}, formula for central: h = {(3 * eps * ratio) ** (1 / 3):.0e}")
    for name, error in errors.items():
        best = np.argmin(np.where(error == 0, np.inf, error))
        print(f"   {name:<8} best h {grid[best]:.0e}   relative error there {error[best]:.0e}")

# %% [markdown]
# The best measured step differs a little from the formula's, because rounding errors are more or less random.
# The very smallest errors are luck, too: there the two kinds of error happen to cancel. Use $h = 10^{-5}$ and float64 from
# here on. With float32 you would need a much wider step, and would end up with about six digits fewer.
#
# ### What it costs
#
# Central differences call $f$ twice for each number in $x$. Compare that with a backward pass, on a network that is
# large enough for the arithmetic to matter:

# %%
torch.manual_seed(seed)
network = torch.nn.Sequential(
    torch.nn.Linear(784, 1000), torch.nn.ReLU(), torch.nn.Linear(1000, 1000), torch.nn.ReLU(), torch.nn.Linear(1000, 10)
)
images, dishes = torch.rand(128, 784), torch.randint(0, 10, (128,))
parameters = sum(p.numel() for p in network.parameters())


def median_time(function, repeats=11):
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        function()
        times.append(time.perf_counter() - begun)
    return float(np.median(times))


def forward():
    with torch.no_grad():
        return torch.nn.functional.cross_entropy(network(images), dishes)


def forward_and_backward():
    network.zero_grad()
    torch.nn.functional.cross_entropy(network(images), dishes).backward()


threads = torch.get_num_threads()
torch.set_num_threads(1)  # a fair comparison: one thread for all
once, both = median_time(forward), median_time(forward_and_backward)
torch.set_num_threads(threads)
print(f"{parameters:,} parameters")
print(f"one forward pass               {1e3 * once:8.2f} ms")
print(f"forward and backward           {1e3 * both:8.2f} ms   = {both / once:.1f} forward passes")
hours = once * 2 * parameters / 3600
print(f"central differences, estimated {hours:8.0f} hours   = {2 * parameters:,} forward passes")

# %% [markdown]
# **Why about three?** Nearly all the time goes into matrix products. On the way forward, a dense layer does one, $xW$.
# On the way back it does two of the same size: one for the gradient of $W$, and one for the gradient of $x$, which
# goes on to the layer below. That makes three in all. (It can be a little less, since the first layer needs no
# gradient of its input, or a little more, where work other than the products takes time.)
#
# From here on you build what the *forward and backward* line timed. The numerical gradient keeps one job: since it
# is slow but simple, you can use it to **check** what is fast but complicated.
#
# ## 3. The chain rule on a graph
#
# MealoMi estimates the energy of a little sugar: $m = 2$ g, at $d = 4$ kcal per g. The label says $y = 5$ kcal. (The
# numbers are made up.) The squared error is computed in small steps:
#
# $$e = d \cdot m = 8, \qquad r = e - y = 3, \qquad L = r^2 = 9 .$$
#
# How does $L$ change with $m$? Go step by step. For each step ask only how much its result grows when its input grows
# by 1. That is the **local slope**, or local derivative.
#
# | step | local slope | here |
# |---|---|---|
# | $L = r^2$ | $\partial L / \partial r = 2r$ | 6 |
# | $r = e - y$ | $\partial r / \partial e = 1$ | 1 |
# | $e = d \cdot m$ | $\partial e / \partial m = d$ | 4 |
#
# If $m$ grows by a tiny amount, $e$ grows by 4 times that amount, $r$ by as much as $e$, and $L$ by 6 times as much as
# $r$. Along the path the factors multiply. That is the **chain rule**:
#
# $$\frac{\partial L}{\partial m} = \frac{\partial L}{\partial r} \cdot \frac{\partial r}{\partial e} \cdot
# \frac{\partial e}{\partial m} = 6 \cdot 1 \cdot 4 = 24 .$$
#
# Test it: with $m = 2.001$ we get $e = 8.004$, $r = 3.004$ and $L = 9.024$. The loss grew by 24 thousandths, 24 times
# as much as $m$.
#
# Here is the same calculation as a **computational graph**. Every box is a number, written in blue. The violet factors
# on the edges are the local slopes. The red number is the **gradient**: by how much $L$ grows for each unit of this
# box. (The graph is drawn by the chapter's own engine, `figs.Value`. You will write yours soon.)

# %%
d, m, y = figs.Value(4), figs.Value(2), figs.Value(5)
e = d * m
r = e - y
L = r**2
L.backward()
figs.draw_graph(
    L,
    {"d": d, "m": m, "y": y, "e": e, "r": r, "L": L},
    "The gradient of a box: the one to its right, times the slope between them",
)

# %% [markdown]
# Read the gradients from right to left. $L$ has gradient 1: if $L$ grows by 1, $L$ grows by 1. Then each box takes the
# gradient of the box to its right, times the slope on the edge between them. After one pass from right to left,
# *every* box has its gradient, including $d$ and $y$.
#
# ### Where paths meet, gradients add
#
# A number may be used twice. Suppose that the app also adds the mass itself, $L = r^2 + m$, so that it prefers small
# estimates. Now there are two paths from $m$ to $L$. If $m$ grows by a thousandth, $r^2$ grows by 24 thousandths,
# **and** the new term grows by 1 thousandth. Together that is 25:
#
# $$\frac{\partial L}{\partial m} = \underbrace{6 \cdot 1 \cdot 4}_{\text{through } r} + \underbrace{1}_{\text{directly}} = 25 .$$
#
# **Along a path, multiply. Where paths meet, add.** That is the chain rule. **Backpropagation** is how to apply it without
# walking every path. Forty doublings $x + x$ in a row make $2^{40}$ paths, a million times a million, but only forty
# nodes: complete the gradient of a node first, pass it on once, and forty steps do the work.
#
# ### In which order? Topological sorting
#
# Step through a graph in which $c$ is used twice: in $d = c + a$ and in $L = d \cdot c$. Press play, or use the slider
# and the arrow keys.
#
# 1. Before you go on from step 4, work out all gradients on paper.
# 2. $c$ gets its gradient in two parts. Which box brings which part?
# 3. What would $a$ and $b$ get if $c$ passed its gradient on right after the first part?

# %% tags=["demo"]
a, b = figs.Value(2), figs.Value(-3)
c = a * b
d = c + a
L = d * c
figs.step_through(L, {"a": a, "b": b, "c": c, "d": d, "L": L})

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# From $L$ come $-6$ for $d$ (the value of $c$) and $-4$ for $c$ (the value of $d$). Then $d$ passes $-6$ to $c$ and
# $-6$ to $a$. So $c$ has $-4 - 6 = -10$, and now it passes $-3 \cdot (-10) = 30$ to $a$ and $2 \cdot (-10) = -20$ to
# $b$. In the end $a$ has $-6 + 30 = 24$ and $b$ has $-20$. If $c$ passed its gradient on when it had only the $-4$
# from $L$, then $a$ would get $12 - 6 = 6$ and $b$ would get $-8$, and both would be wrong.
# </details>
#
# So $c$ must wait for $d$. A box may pass its gradient on only when it is complete, that is, after all the boxes that
# use it have passed on theirs. An order in which every box comes after those from which it was made is a **topological
# order**. Backpropagation goes through it from the end.
#
# ### Forward mode and reverse mode
#
# Why from right to left? You could also start at $m$ and go to the right, carrying along the slope of each box with
# respect to $m$. For the sugar, $m$ itself has 1, $e$ has $4 \cdot 1 = 4$, $r$ has $1 \cdot 4 = 4$, and $L$ has $6
# \cdot 4 = 24$, the same number as before. This is **forward mode**: one pass gives the slopes of *all* boxes with
# respect to *one* number. For the slope with respect to $d$ you would have to begin again, with 1 at $d$: $e$ has 2,
# $r$ has 2, and $L$ has 12.
#
# From right to left, in **reverse mode**, one pass gives the slopes of *one* result with respect to *all* boxes; the
# graph above has both the 24 and the 12. A network has one loss and, say, a million weights, so reverse mode takes one
# pass where forward mode takes a million. With one input and a million results it would be the other way around.
#
# ### What reverse mode costs in memory: stored activations
#
# Reverse mode has a price. On the way back, every local slope is needed again: the $d$ of $d \cdot m$, or the input
# $x$ of a dense layer. So the values of the forward pass, the **activations**, must be kept until the backward pass
# has used them. For a convolution on large pictures they take far more memory than the weights. Take 64 filters of 7
# by 7 on a batch of 32 color pictures, with an output of 112 by 112 in float32:

# %%
weights, outputs = 64 * 3 * 7 * 7, 32 * 64 * 112 * 112
print(f"weights     {weights:>12,} numbers   {4 * weights / 2**20:8.2f} MiB")
print(f"activations {outputs:>12,} numbers   {4 * outputs / 2**20:8.2f} MiB, for one layer")

# %% [markdown]
# The weights stay the same for any batch, while the activations grow with it. PyTorch tells you what it really keeps,
# if you ask it to report each array that it saves for the backward pass. Here it does so for the dense network that
# you timed above:

# %%
def kept_by(network, given):
    """How many numbers a forward pass puts aside for the way back, parameters not counted."""
    own = {p.data_ptr() for p in network.parameters()}
    kept = {}

    def note(tensor):
        if tensor.data_ptr() not in own:
            kept[tensor.data_ptr()] = tensor.numel(), tensor  # what two steps share is kept once
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        network(given)
    return sum(count for count, _ in kept.values())


for plates in (1, 16, 128):
    given = torch.rand(plates, 784)
    print(f"batch of {plates:>3}: {kept_by(network, given):>8,} numbers kept for {parameters:,} parameters")
with torch.no_grad():
    print(f"no_grad:      {kept_by(network, given):>8,}")

# %% [markdown]
# Each plate adds the same amount, $784 + 1000 + 1000$: the inputs of the three dense layers. When a training run does
# not fit into memory, it is usually because of the activations, and the first remedy is a smaller batch. Another
# is **gradient checkpointing** ([Chen and others 2016](https://arxiv.org/abs/1604.06174)): keep the activations of a
# few layers only, and compute the others again on the way back. With $n$ layers, keeping about $\sqrt n$ of them costs
# one more forward pass. And without gradients nothing has to be kept: use PyTorch's `no_grad` for **inference**, that
# is, for making predictions with a finished network.
#
# ## 4. An autograd engine
#
# What must a number remember, so that gradients can find their way back? Look at a box once more. It has its data, its
# gradient, the boxes from which it was made, and a slope for each of these. Here is such a number, which can do
# nothing but addition:

# %%
class Tiny:
    def __init__(self, data, children=(), slopes=()):
        self.data, self.grad = data, 0.0
        self.children, self.slopes = children, slopes

    def __add__(self, other):  # Python calls this for x + y
        return Tiny(self.data + other.data, (self, other), (1.0, 1.0))


x, y = Tiny(2.0), Tiny(-3.0)
total = x + y
print("data:", total.data)
print("made from:", [child.data for child in total.children], "with slopes", total.slopes)

# %% [markdown]
# There is more to `x + y` than meets the eye: Python turns it into `x.__add__(y)`, and our version notes where the
# result came from. While you compute as usual, the graph is recorded in the background. In the same way `*` calls
# `__mul__`, and `**` calls `__pow__`. If the left side is a plain number, as in `2 * x`, Python asks the right side
# instead, and calls `x.__rmul__(2)`.
#
# These are the local slopes that you need:
#
# | operation | its slope |
# |---|---|
# | $a + b$ | 1 for $a$, 1 for $b$ |
# | $a \cdot b$ | $b$ for $a$, and $a$ for $b$ |
# | $x^n$, with a plain number $n$ | $n \, x^{n-1}$ |
# | $\text{relu}(x) = \max(0, x)$ | 1 where $x > 0$, else 0 |
# | $a = \tanh(x)$ | $1 - a^2$ |
#
# $a - b$ is $a + (-1) \cdot b$, and $a / b$ is $a \cdot b^{-1}$, so subtraction and division need no rules of their
# own.
#
# ### Exercise: `Value`
#
# Write four operations. The rest is already there, and works as soon as yours do.

# %% exercise="06.value"
class Value:
    """A number that remembers which numbers it was made from.

    Parameters
    ----------
    data : float
        The number. Whole numbers and NumPy's numbers are welcome, and kept as a float.
    children : tuple of Value
        What it was made from; empty for a leaf. A number that is used twice, as in a * a,
        stands there twice.
    slopes : tuple of float
        For each child, in the same order, the local slope: by how much this number grows
        when the child grows by 1.
    op : str
        The operation, for drawings.

    Attributes
    ----------
    data, children, slopes, op
        As given. Operations never change a Value; they return a new one.
    grad : float
        0.0 until `backward` fills it in.

    Example
    -------
    >>> a, b = Value(2.0), Value(-3.0)
    >>> c = a * b
    >>> c.data, c.slopes
    (-6.0, (-3.0, 2.0))
    >>> (Value(-1.0).relu().data, (2 * a**3).data)
    (0.0, 16.0)
    """

    def __init__(self, data, children=(), slopes=(), op=""):
        self.data = float(data)
        self.grad = 0.0
        self.children = children
        self.slopes = slopes
        self.op = op

    def __repr__(self):
        return f"Value(data={self.data:.4g}, grad={self.grad:.4g})"

    @staticmethod
    def wrap(number):
        """A plain number becomes a Value; a Value stays what it is."""
        return number if isinstance(number, Value) else Value(number)

    def __add__(self, other):
        other = Value.wrap(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0), "+")

    def __mul__(self, other):
        """A Value times a Value, or times a plain number."""
        ### BEGIN SOLUTION
        b = Value.wrap(other)
        return Value(self.data * b.data, (self, b), (b.data, self.data), "*")
        ### END SOLUTION

    def __pow__(self, n):
        """A Value to the power of a plain number n, such as 3 or -1. It has one child."""
        ### BEGIN SOLUTION
        return Value(self.data**n, (self,), (n * self.data ** (n - 1),), f"**{n}")
        ### END SOLUTION

    def relu(self):
        """A new Value: the number where it is positive, else 0. At exactly 0 the slope is 0."""
        ### BEGIN SOLUTION
        return Value(max(0.0, self.data), (self,), (1.0 if self.data > 0 else 0.0,), "relu")
        ### END SOLUTION

    def tanh(self):
        """The hyperbolic tangent; math.tanh is on the menu."""
        ### BEGIN SOLUTION
        t = math.tanh(self.data)
        return Value(t, (self,), (1 - t**2,), "tanh")
        ### END SOLUTION

    # All of these are made of yours.
    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + Value.wrap(other) * -1

    def __rsub__(self, other):
        return Value.wrap(other) - self

    def __truediv__(self, other):
        return self * Value.wrap(other) ** -1

    def __rtruediv__(self, other):
        return Value.wrap(other) / self

# %% check="06.value"
check("06.value", Value)

# %% [markdown]
# ### The backward pass
#
# Now for the second half: going back from the result, the **root**. It takes three steps:
#
# 1. List all nodes that lead to the root, each one after its children: a topological order. The usual way is a
#    function that calls itself: *if I have seen this node, do nothing. Otherwise visit its children, and then append
#    it to the list.*
# 2. Set `grad` of every node in the list to 0, and that of the root to 1.
# 3. Go through the list from its end. Each node hands to each child *slope times its own grad*, and the child **adds**
#    it.
#
# **By hand** with $a = 2$, $b = -3$, $c = ab = -6$, $L = c + a = -4$. The list is $a, b, c, L$. Going backward, $L$ hands
# $1 \cdot 1$ to $c$ and $1 \cdot 1$ to $a$. Then $c$ hands $-3 \cdot 1$ to $a$, which now has $1 - 3 = -2$, and it
# hands $2 \cdot 1$ to $b$.
#
# ### Exercise: `backward`
#
# This is a function, not a method yet: it takes the root of any graph of nodes with `grad`, `children` and `slopes`.
# The check passes it nodes of its own, so it does not depend on your `Value`.

# %% exercise="06.backward"
def backward(root):
    """Fill in the gradients of all nodes that lead to a root.

    Parameters
    ----------
    root : node
        An object like `Value`, with the attributes grad (a float), children (a tuple of
        nodes) and slopes (a tuple of floats, one for each child).

    Returns
    -------
    None
        Afterwards node.grad is, for the root and for every node that leads to it, the slope of
        the root with respect to that node. What stood in grad before does not count: called
        twice, the result is the same.

    Notes
    -----
    A node may be used many times: forty doublings x + x make 2**40 paths, so walk nodes, not
    paths, and visit each node's children a few times at most. No chain is longer than 200
    nodes, so a function that calls itself will do.

    Example
    -------
    >>> a, b = Value(2.0), Value(-3.0)
    >>> L = a * b + a
    >>> backward(L)
    >>> a.grad, b.grad
    (-2.0, 2.0)
    """
    ### BEGIN SOLUTION
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for child in node.children:
                visit(child)
            order.append(node)

    visit(root)
    for node in order:
        node.grad = 0.0
    root.grad = 1.0
    for node in reversed(order):
        for child, slope in zip(node.children, node.slopes, strict=True):
            child.grad += slope * node.grad
    ### END SOLUTION

# %% check="06.backward"
check("06.backward", backward)

# %% [markdown]
# You can add a method to a class after it has been defined. With this line, `L.backward()` works on your numbers, and the engine is
# complete, in some fifty lines of code. The next cell compares it with the chapter's own engine, and uses yours if
# they agree.

# %%
Value.backward = backward


def trial(Number):
    a, b = Number(2.0), Number(-3.0)
    L = (a * b + 5).tanh() * b**2 + (a - b).relu() / a
    L.backward()
    return L.data, a.grad, b.grad


Engine = figs.yours_or_ours(Value, figs.Value, trial)

# %% [markdown]
# Here is a neuron with two inputs, as in chapter 02: $z = x_1 w_1 + x_2 w_2 + b$ and $a = \tanh(z)$. If your engine is
# right, the graph shows your own numbers, drawn from your own `children` and `slopes`.

# %%
x1, w1, x2, w2, b = Engine(2.0), Engine(-0.5), Engine(1.0), Engine(0.8), Engine(0.7)
u, v = x1 * w1, x2 * w2
s = u + v
z = s + b
a = z.tanh()
a.backward()
names = {"x₁": x1, "w₁": w1, "x₂": x2, "w₂": w2, "b": b, "u": u, "v": v, "s": s, "z": z, "a": a}
figs.draw_graph(a, names, "After one backward pass all five leaves have their gradient")

# %% [markdown]
# Compare with PyTorch, whose engine works in the same way, on whole arrays:

# %%
leaves = [torch.tensor(n.data, dtype=torch.float64, requires_grad=True) for n in (x1, w1, x2, w2, b)]
torch.tanh(leaves[0] * leaves[1] + leaves[2] * leaves[3] + leaves[4]).backward()
print("PyTorch:", [round(leaf.grad.item(), 6) for leaf in leaves])
print("here:   ", [round(n.grad, 6) for n in (x1, w1, x2, w2, b)])

# %% [markdown]
# There is one difference. Your `backward` starts from 0 at each call, while PyTorch **adds** to what is already in
# `grad` until you set it to zero yourself. That is useful when a batch is too large for one pass, and it is a
# well-known source of bugs. You will meet it in chapter 08.
#
# ### A neuron learns
#
# Once you have gradients, gradient descent takes three lines. Here are four plates with one feature, how sweet they
# are, from $-1$ to $1$. Is each one a dessert ($+1$) or not ($-1$)? All numbers are made up.

# %%
sweet, truth = [-0.8, -0.2, 0.3, 0.9], [-1, -1, 1, 1]
weight, bias = Engine(-1.0), Engine(0.5)
for step in range(41):
    loss = sum(((weight * x + bias).tanh() - y) ** 2 for x, y in zip(sweet, truth, strict=True)) / 4
    loss.backward()
    if step % 10 == 0:
        print(f"step {step:>2}   loss {loss.data:.4f}   weight {weight.data:+.3f}   bias {bias.data:+.3f}")
    weight, bias = Engine(weight.data - 1.0 * weight.grad), Engine(bias.data - 1.0 * bias.grad)

# %% [markdown]
# Nobody had to work out the slope of this loss by hand. It came from the graph.
#
# **Long chains.** A function that calls itself runs into a limit, because Python allows calls within calls only to a
# certain depth. Your `backward` has to manage chains of up to 200 nodes. For longer ones you would keep a list of the
# unfinished nodes yourself and work through it in a loop, as the chapter's engine does:

# %%
print("Python's limit of calls within calls, here:", sys.getrecursionlimit())
start = figs.Value(1.0)
end = start
for _ in range(20_000):
    end = end * 1.0001
end.backward()
print(f"a chain of 20,000 products: gradient {start.grad:.6f}, expected {1.0001**20_000:.6f}")

# %% [markdown]
# **A resting point.** You have built an engine that differentiates whatever you write with its numbers. What follows does
# the same for whole arrays, one layer at a time.
#
# ## 5. Backpropagation layer by layer
#
# A box for each number shows how backpropagation works, but is far too slow for a million numbers. So real networks use larger
# boxes: whole layers, with arrays instead of numbers. The rules stay the same. Each layer gets `dout`, the gradient of
# the loss with respect to its output, and must return the gradient with respect to each of its inputs. Two things
# help:
#
# - **A gradient has the shape of what it belongs to.** `dx` has `x`'s shape, `dW` has `W`'s.
# - **Think of one layer at a time.** A layer does not need to know how its output affects the loss, because that is
#   all in `dout`.
#
# ### The gradient check
#
# The output of a layer is an array, while a numerical gradient needs a function with a single number as its result. So
# draw `dout` at random, and take $f = \sum \text{dout} \cdot \text{output}$, summed over all numbers of the output. The
# gradient of this $f$ is exactly what the backward function should return.
#
# How close is close enough? We measure it like this (in code, `figs.relative_error`):
#
# $$\text{relative error}(a, b) = \frac{\max |a - b|}{\max(\max|a|, \max|b|)}$$
#
# for two arrays $a$ and $b$ of the same shape: the largest difference, divided by the largest absolute value in either
# of them. In float64, with $h = 10^{-5}$, a value under $10^{-7}$ is good. If it is far above, look for a mistake.
# (Section 6 has an exception.)

# %%
wide, true = np.array([3.25, 24.5]), np.array([3.0, 24.0])  # the wide step of section 2
print(f"0.5 / 24.5 = {figs.relative_error(wide, true):.4f}")

# %% [markdown]
# `figs.check_layer` measures this for you. It compares your function with central differences, and PyTorch's as well.
#
# ### A dense layer
#
# $$\underbrace{\text{out}}_{(N, M)} = \underbrace{x}_{(N, D)} \, \underbrace{W}_{(D, M)} + \underbrace{b}_{(M,)}$$
#
# **By hand**, one plate, $D = 2$, $M = 3$: $x = [1, 2]$, $\text{dout} = [1, -1, 2]$, and
#
# $$W = \begin{bmatrix} 1 & 0 & -1 \\ 2 & 1 & 1 \end{bmatrix} .$$
#
# - $W_{dm}$ occurs only in $\text{out}_m$, with the factor $x_d$. So $\text{dW}_{dm} = x_d \cdot \text{dout}_m$: the
#   rows are $[1, -1, 2]$ and $[2, -2, 4]$.
# - $x_d$ occurs in all three outputs, with the factor $W_{dm}$. Where paths meet, add: $\text{dx}_1 = 1 \cdot 1 + 0
#   \cdot (-1) + (-1) \cdot 2 = -1$ and $\text{dx}_2 = 2 - 1 + 2 = 3$.
# - $b_m$ occurs in $\text{out}_m$ with the factor 1: $\text{db} = [1, -1, 2]$.
#
# With $N$ plates, all of them share $W$ and $b$. Where paths meet, add: `dW` and `db` are sums over the batch. They
# are not means: if the loss is a mean, its $1/N$ is already in `dout`.
#
# Write each of the three as one expression. If you are not sure what to transpose, let the shapes decide: each gradient
# has the shape of what it belongs to, and the axis that vanishes is the one that is summed over.

# %%
figs.dense_shapes()

# %% [markdown]
# ### Exercise: `dense_backward`

# %% exercise="06.dense_backward"
def dense_backward(dout, x, W):
    """The backward pass of a dense layer, out = x @ W + b.

    Parameters
    ----------
    dout : numpy.ndarray
        (N, M): the gradient of the loss with respect to out.
    x : numpy.ndarray
        (N, D): what went into the layer.
    W : numpy.ndarray
        (D, M): its weights.

    Returns
    -------
    dx, dW, db : numpy.ndarray
        (N, D), (D, M), (M,): the gradients with respect to x, W and b. The inputs are left as
        they are.

    Example
    -------
    >>> W = np.array([[1.0, 0.0, -1.0], [2.0, 1.0, 1.0]])
    >>> dense_backward(np.array([[1.0, -1.0, 2.0]]), np.array([[1.0, 2.0]]), W)
    (array([[-1.,  3.]]), array([[ 1., -1.,  2.],
           [ 2., -2.,  4.]]), array([ 1., -1.,  2.]))
    """
    ### BEGIN SOLUTION
    return dout @ W.T, x.T @ dout, dout.sum(axis=0)
    ### END SOLUTION

# %% check="06.dense_backward"
check("06.dense_backward", dense_backward)

# %%
rng = np.random.default_rng(seed)
x, W, b = rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), rng.normal(size=3)
dout = rng.normal(size=(5, 3))
figs.check_layer(
    "dense_backward",
    lambda: dense_backward(dout, x, W),
    lambda x, W, b: x @ W + b,
    {"x": x, "W": W, "b": b},
    dout,
)

# %% [markdown]
# ### ReLU
#
# $\text{out} = \max(0, z)$, number by number. Its slope is 1 where $z > 0$ and 0 elsewhere, so the gradient either
# passes or is stopped. **By hand**: $z = [-1, 4, 0]$ and $\text{dout} = [1, -2, 3]$ give $[0, -2, 0]$. Note that it is
# $z$ that decides, and not the sign of the gradient: the $-2$ passes.
#
# ### Exercise: `relu_backward`

# %% exercise="06.relu_backward"
def relu_backward(dout, z):
    """The backward pass of ReLU, out = max(0, z).

    Parameters
    ----------
    dout : numpy.ndarray
        Any shape: the gradient of the loss with respect to out.
    z : numpy.ndarray
        The same shape: what went into ReLU.

    Returns
    -------
    numpy.ndarray
        The same shape: the gradient with respect to z. Where z is exactly 0, it is 0. The inputs
        are left as they are.

    Example
    -------
    >>> relu_backward(np.array([1.0, -2.0, 3.0]), np.array([-1.0, 4.0, 0.0]))
    array([ 0., -2.,  0.])
    """
    ### BEGIN SOLUTION
    return dout * (z > 0)
    ### END SOLUTION

# %% check="06.relu_backward"
check("06.relu_backward", relu_backward)

# %% [markdown]
# ### Cross-entropy
#
# You know this one from chapter 05. For the mean over $N$ plates, the gradient with respect to the scores is
#
# $$\frac{p - \text{onehot}(y)}{N}, \qquad \text{shape } (N, K),$$
#
# - $\text{onehot}(y)$: the labels as one-hot rows, shape $(N, K)$;
# - $p$: the softmax of each plate's scores, shape $(N, K)$.
#
# As a layer it has one more input: `dout`, the gradient from above. The loss is one number, and so is `dout`. If the
# loss is the end of the graph, `dout` is 1. If it enters a larger loss with the factor one half, `dout` is 0.5.
#
# ### Exercise: `cross_entropy_backward`
#
# The check does not accept anything of `scipy.special`, which has softmax and its relatives.

# %% exercise="06.cross_entropy_backward"
def cross_entropy_backward(dout, scores, labels):
    """The backward pass of the mean cross-entropy, from the loss to the scores.

    Parameters
    ----------
    dout : float
        The gradient from above; 1.0 where the loss is the end of the graph.
    scores : numpy.ndarray
        (N, K) floats. A row may hold scores of 1000, another none.
    labels : numpy.ndarray
        (N,) int64, each from 0 to K - 1.

    Returns
    -------
    numpy.ndarray
        (N, K). NumPy gives no warning on the way. The inputs are left as they are.

    Example
    -------
    >>> scores = np.array([[2.0, 4.0, -2.0], [0.0, 0.0, 0.0]])
    >>> cross_entropy_backward(1.0, scores, np.array([0, 2])).round(3).tolist()
    [[-0.441, 0.439, 0.001], [0.167, 0.167, -0.333]]
    """
    ### BEGIN SOLUTION
    grad = np.exp(scores - scores.max(axis=1, keepdims=True))
    grad /= grad.sum(axis=1, keepdims=True)
    grad[np.arange(len(labels)), labels] -= 1
    return dout * grad / len(labels)
    ### END SOLUTION

# %% check="06.cross_entropy_backward"
check("06.cross_entropy_backward", cross_entropy_backward)

# %% [markdown]
# Here are ReLU and cross-entropy under the gradient check. `z` is drawn so that no number is near ReLU's corner at 0;
# section 6 says why.

# %%
z = rng.choice([-1.0, 1.0], (4, 5)) * rng.uniform(0.1, 2.0, (4, 5))
dout = rng.normal(size=(4, 5))
figs.check_layer("relu_backward", lambda: relu_backward(dout, z), torch.relu, {"z": z}, dout)

scores, labels = rng.normal(size=(4, 3)), np.array([2, 0, 1, 2])
figs.check_layer(
    "cross_entropy_backward",
    lambda: cross_entropy_backward(0.5, scores, labels),
    lambda scores: torch.nn.functional.cross_entropy(scores, torch.from_numpy(labels)),
    {"scores": scores},
    0.5,
)

# %% [markdown]
# ### A convolution
#
# Take one number of the output. It is a window of $x$ times the kernel, added up, plus the bias. Let $d$ be the entry
# of `dout` that belongs to it. Then
#
# - each pixel of the window gets $d$ times the weight that lay on it: **the window of `dx` += d · w**;
# - each weight gets $d$ times the pixel that lay under it: **`dw` += d · window**;
# - the bias gets $d$.
#
# A pixel lies under several windows, and in each of them all $F$ filters read it. A weight is used at every place of
# every picture. Where paths meet, add. Step through it:
#
# 1. Which pixels of `dx` get a part from all four outputs, and which from only one?
# 2. When the last output has passed on its part, compare `dw` with a cross-correlation of `x` with `dout`.

# %% tags=["demo"]
figs.conv_scatter(
    x=[[1, 0, 2], [3, 1, 0], [0, 2, 1]],
    w=[[1, 2], [0, -1]],
    dout=[[1, 2], [-1, 3]],
)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# The pixel in the middle lies under all four windows and gets four parts; each corner lies under one window only. And
# `dw` *is* the cross-correlation of `x` with `dout`: entry $[u, v]$ adds up $\text{dout}[i, j] \cdot x[i + u, j + v]$
# over all places. (So it is with stride 1. With a larger stride, first put rows and columns of zeros between the numbers
# of `dout`.) In the same way `dx` is a full convolution of `dout` with `w`, this time with the kernel flipped. Networks that
# have to enlarge a map use this very operation as a layer, and call it a *transposed convolution*.
# </details>
#
# **By hand**: $x = \begin{bmatrix} 0 & 1 & 2 \\ 3 & 4 & 5 \end{bmatrix}$, $w = \begin{bmatrix} 1 & 2 \\ 3 & 4
# \end{bmatrix}$, $\text{dout} = [1, 10]$:
#
# $$\text{dx} = \begin{bmatrix} 1 & 2 & 0 \\ 3 & 4 & 0 \end{bmatrix} + \begin{bmatrix} 0 & 10 & 20 \\ 0 & 30 & 40
# \end{bmatrix} = \begin{bmatrix} 1 & 12 & 20 \\ 3 & 34 & 40 \end{bmatrix}, \quad
# \text{dw} = \begin{bmatrix} 0 & 1 \\ 3 & 4 \end{bmatrix} + 10 \begin{bmatrix} 1 & 2 \\ 4 & 5 \end{bmatrix} =
# \begin{bmatrix} 10 & 21 \\ 43 & 54 \end{bmatrix}, \quad \text{db} = 11 .$$
#
# **With padding**, work on the padded picture, and cut the border off `dx` at the end, since nobody asked for the
# gradient of those zeros. **With a stride**, the window of output $[i, j]$ starts at $[i \cdot \text{stride}, j \cdot
# \text{stride}]$, on the way forward as well as on the way back.
#
# ### Exercise: `conv2d_backward`
#
# Loops are welcome. The check does not accept SciPy's signal and image functions.

# %% exercise="06.conv2d_backward"
def conv2d_backward(dout, x, w, stride, padding):
    """The backward pass of a convolution layer (cross-correlation with a bias, as in chapter 03).

    Parameters
    ----------
    dout : numpy.ndarray
        (N, F, OH, OW): the gradient of the loss with respect to the output.
    x : numpy.ndarray
        (N, C, H, W): the batch that went in, not padded.
    w : numpy.ndarray
        (F, C, k_h, k_w): the filters.
    stride, padding : int
        As in the forward pass. The padding was made of zeros; pixels that were left over have
        gradient 0.

    Returns
    -------
    dx, dw, db : numpy.ndarray
        (N, C, H, W), (F, C, k_h, k_w), (F,). The inputs are left as they are.

    Example
    -------
    >>> x = np.arange(6.0).reshape(1, 1, 2, 3)
    >>> w = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> dx, dw, db = conv2d_backward(np.array([[[[1.0, 10.0]]]]), x, w, 1, 0)
    >>> dx[0, 0].tolist(), dw[0, 0].tolist(), db.tolist()
    ([[1.0, 12.0, 20.0], [3.0, 34.0, 40.0]], [[10.0, 21.0], [43.0, 54.0]], [11.0])
    """
    ### BEGIN SOLUTION
    height, width = x.shape[2:]
    kernel_height, kernel_width = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dx, dw = np.zeros_like(padded), np.zeros_like(w)
    for n, f, i, j in np.ndindex(dout.shape):
        top, left = i * stride, j * stride
        rows, columns = slice(top, top + kernel_height), slice(left, left + kernel_width)
        dw[f] += dout[n, f, i, j] * padded[n, :, rows, columns]
        dx[n, :, rows, columns] += dout[n, f, i, j] * w[f]
    dx = dx[:, :, padding : padding + height, padding : padding + width]
    return dx, dw, dout.sum(axis=(0, 2, 3))
    ### END SOLUTION

# %% check="06.conv2d_backward"
check("06.conv2d_backward", conv2d_backward)

# %%
x, w, b = rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(4, 3, 3, 2)), rng.normal(size=4)
dout = rng.normal(size=(2, 4, 3, 3))
figs.check_layer(
    "conv2d_backward",
    lambda: conv2d_backward(dout, x, w, 2, 1),
    lambda x, w, b: torch.nn.functional.conv2d(x, w, b, stride=2, padding=1),
    {"x": x, "w": w, "b": b},
    dout,
)

# %% [markdown]
# ### Max pooling
#
# Only the largest number of a window reaches the output. If you move another number a little, nothing happens, so its
# slope is 0. If you move the largest, the output moves by as much, so its slope is 1. Therefore the whole gradient
# goes to the place of the largest number.

# %%
figs.pool_routes(
    x=[[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]],
    dout=[[1, 2], [3, -4]],
)

# %% [markdown]
# This is the example from chapter 04 again. Where windows overlap, one number may be the largest in several of them, and
# then its parts add up. And what if the largest number occurs several times in a window? Strictly speaking there is no
# slope then, so a rule is needed. Ours is PyTorch's: the first in reading order gets all of it.
#
# ### Exercise: `max_pool2d_backward`

# %% exercise="06.max_pool2d_backward"
def max_pool2d_backward(dout, x, size, stride):
    """The backward pass of max pooling (as in chapter 04).

    Parameters
    ----------
    dout : numpy.ndarray
        (N, C, OH, OW): the gradient of the loss with respect to the output.
    x : numpy.ndarray
        (N, C, H, W): what went in.
    size, stride : int
        Side of the window, and pixels from one window to the next. Windows may overlap, or
        leave gaps.

    Returns
    -------
    numpy.ndarray
        (N, C, H, W): the gradient with respect to x. Where several numbers of a window are the
        largest, the first of them in reading order (row by row) gets it all. The inputs are
        left as they are.

    Example
    -------
    >>> x = np.array([[[[1.0, 1.0, 2.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]])
    >>> max_pool2d_backward(np.array([[[[3.0, -2.0]]]]), x, 2, 2)
    array([[[[ 0.,  0.,  0.,  0.],
             [ 0.,  3.,  0., -2.]]]])
    """
    ### BEGIN SOLUTION
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(dout.shape):
        top, left = i * stride, j * stride
        window = x[n, c, top : top + size, left : left + size]
        u, v = np.unravel_index(window.argmax(), window.shape)
        dx[n, c, top + u, left + v] += dout[n, c, i, j]
    return dx
    ### END SOLUTION

# %% check="06.max_pool2d_backward"
check("06.max_pool2d_backward", max_pool2d_backward)

# %% [markdown]
# For the check all numbers of `x` are different, by at least a tenth, so that no step of $10^{-5}$ can change which
# one is the largest.

# %%
x = (rng.permutation(2 * 3 * 5 * 7) / 10.0).reshape(2, 3, 5, 7)
dout = rng.normal(size=(2, 3, 2, 3))
figs.check_layer(
    "max_pool2d_backward",
    lambda: max_pool2d_backward(dout, x, 3, 2),
    lambda x: torch.nn.functional.max_pool2d(x, 3, 2),
    {"x": x},
    dout,
)

# %% [markdown]
# ## 6. Corners: where the gradient check must fail
#
# Try the check where it cannot work, with ReLU at exactly 0, and with a window that has two equal numbers:

# %%
def relu_sum(z):
    return np.maximum(z, 0).sum()


def largest(window):
    return window.max()


print("relu:    numerical slopes at -1, 0, 1      ", figs.central(relu_sum, np.array([-1.0, 0.0, 1.0])))
print("max:     numerical slopes at [3, 5, 5, 1]  ", figs.central(largest, np.array([3.0, 5.0, 5.0, 1.0])))
print("near:    relu at 0.000004, with h = 0.00001", figs.central(relu_sum, np.array([4e-6])))

# %% [markdown]
# A central difference takes the mean of both sides: half of 1 and 0 is 0.5. Your function says 0, and PyTorch says 0.
# All of these are acceptable, because at a corner there is no slope, and any number between the slopes of the two
# sides may be used instead (a *subgradient*). The last line shows that being *near* a corner is enough: the step reaches
# across it.
#
# So **check away from corners**: draw $z$ at a distance from 0 that is much larger than $h$, and give pooling numbers
# that differ. If a check fails in only a few entries, look there first.
#
# Does the choice at a corner matter in training? Ties do occur. Count them in the small network of chapter 04, on its plate:

# %%
from introdl import data
from introdl.figures import pooling

picture = pooling.small(data.doughnut(), 64).transpose(2, 0, 1)[None]
maps = pooling.network_maps(picture, pooling.hand_made_network(classes=5, seed=4))["conv 1 + ReLU"][0]
windows = maps.reshape(6, 31, 2, 31, 2).transpose(0, 1, 3, 2, 4).reshape(-1, 4)  # the windows of 2 by 2
largest_of = windows.max(axis=1)
tied = (windows == largest_of[:, None]).sum(axis=1) > 1
print(f"windows in which several numbers are the largest: {tied.mean():.0%}")
print(f"windows in which several numbers above 0 are:     {np.mean(tied & (largest_of > 0)):.0%}")

# %% [markdown]
# Nearly half of the windows have a tie, but all of these ties are between zeros that come from ReLU. Whichever of them
# gets the gradient, ReLU's slope stops it right after, so the choice makes no difference. Where numbers above 0 do tie,
# as in an area of one color, one choice is as good as the other.
#
# ## 7. A whole network
#
# Now put the layers one after the other. Here is the forward pass of a network with one hidden layer of $M$ units:
#
# | line | shape |
# |---|---|
# | `z1 = X @ W1 + b1` | $(N, M)$ |
# | `a1 = max(0, z1)` | $(N, M)$ |
# | `scores = a1 @ W2 + b2` | $(N, K)$ |
# | `loss` = mean cross-entropy of `scores` and `labels` | one number |
#
# On the way back you go from the last line to the first, and each line is one call of a function that you have already
# written. What comes out of one is the `dout` of the next.
#
# ### Exercise: `network_gradients` (stretch)

# %% exercise="06.network_gradients"
def network_gradients(X, labels, W1, b1, W2, b2):
    """Loss and gradients of a network: dense, ReLU, dense, cross-entropy.

    You may call your own functions of this chapter.

    Parameters
    ----------
    X : numpy.ndarray
        (N, D) floats: a plate in each row.
    labels : numpy.ndarray
        (N,) int64.
    W1, b1, W2, b2 : numpy.ndarray
        (D, M), (M,), (M, K), (K,).

    Returns
    -------
    loss : float
        The mean cross-entropy, finite for scores of any size.
    dW1, db1, dW2, db2 : numpy.ndarray
        Its gradients, of the shapes of W1, b1, W2, b2. The inputs are left as they are.

    Example
    -------
    >>> X, labels = np.array([[1.0, 2.0]]), np.array([0])
    >>> W1, b1, W2, b2 = np.eye(2), np.array([0.0, -3.0]), np.eye(2), np.zeros(2)
    >>> loss, dW1, db1, dW2, db2 = network_gradients(X, labels, W1, b1, W2, b2)
    >>> round(float(loss), 3), dW1.round(3).tolist(), db2.round(3).tolist()
    (0.313, [[-0.269, 0.0], [-0.538, 0.0]], [-0.269, 0.269])
    """
    ### BEGIN SOLUTION
    z1 = X @ W1 + b1
    a1 = np.maximum(z1, 0)
    scores = a1 @ W2 + b2
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(len(labels)), labels].mean()
    dscores = cross_entropy_backward(1.0, scores, labels)
    da1, dW2, db2 = dense_backward(dscores, a1, W2)
    dz1 = relu_backward(da1, z1)
    _, dW1, db1 = dense_backward(dz1, X, W1)
    return loss, dW1, db1, dW2, db2
    ### END SOLUTION

# %% check="06.network_gradients"
check("06.network_gradients", network_gradients)

# %% [markdown]
# ### Train the network
#
# There are two kinds of plates with two made-up features, in the shape of two half-moons that reach into each other.
# No straight line separates them. The network has 16 hidden units and starts from random weights. If your
# `network_gradients` is right, the network learns with yours.

# %%
rng = np.random.default_rng(seed)
X, labels = figs.moons(plates_per_moon, rng)
weights = [rng.normal(size=(2, 16)), np.zeros(16), 0.3 * rng.normal(size=(16, 2)), np.zeros(2)]
gradients = figs.yours_or_ours(
    network_gradients, figs.two_layers, lambda function: function(X, labels, *(w.copy() for w in weights))
)

history, losses = [], []
for step in range(steps + 1):
    if step % (steps // 50) == 0:
        history.append((step, tuple(weights)))
    loss, *grads = gradients(X, labels, *weights)
    losses.append(float(loss))
    weights = [w - 0.5 * grad for w, grad in zip(weights, grads, strict=True)]  # gradient descent: this line

print(f"loss at the start {losses[0]:.3f}, after {steps} steps {losses[-1]:.4f}")

# %% [markdown]
# Move through the training with the slider, or press play.
#
# 1. Go back to moment 1. A network that says 50 % everywhere has a loss of $\ln 2 \approx 0.69$. Why is this one's
#    loss higher?
# 2. At which moment does the network first get every plate right? Does the loss stop falling there?
# 3. Tick *show where hidden units switch on*. The boundary bends exactly where it crosses such a line. Why?

# %% tags=["demo"]
figs.training_board(X, labels, history, losses)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# 1. The random network is not undecided. It is fairly confident but wrong on three plates out of four, and being
#    confident and wrong costs more than ln 2.
# 2. With the settings above, all 120 plates are right after about 310 of the 500 steps. The loss goes on falling,
#    because cross-entropy asks for more confidence even where the answer is right.
# 3. On each side of such a line the score is a different linear function of the features, because one more unit is on
#    or off. So the boundary, where the two scores are equal, is straight between the lines and changes its direction
#    at them.
# </details>
#
# Each hidden unit is a ReLU, flat on one side of its line and rising on the other. Between the lines the network is a
# plain linear classifier; at each line its boundary may bend. Backpropagation computed the gradients, and gradient
# descent used them to move the lines to where they are needed.
#
# ## Quiz
#
# Write a letter for each, for example `answer_1 = "a"`.
#
# **1.** A number is used in two places of a graph. Its gradient is
#
# - a) the part that comes from the last use.
# - b) the product of both parts.
# - c) the sum of both parts.
# - d) the larger of both parts.
#
# **2.** On the way back, why must a node wait for all nodes that it was used in?
#
# - a) Before that its gradient is not complete, and it would pass on too little.
# - b) Before that its data may still change.
# - c) A sum depends on the order of its parts.
# - d) It is faster.
#
# **3.** A network has a million weights, and one forward pass takes 10 ms. About how long does it take to get all
# slopes of the loss by backpropagation?
#
# - a) two million forward passes, 20,000 s
# - b) a million forward passes, 10,000 s
# - c) about a second for each thousand weights
# - d) a few forward passes, some 30 ms
#
# **4.** Central differences in float64, of a function whose values and derivatives are about 1. Which step is best?
#
# - a) $10^{-16}$: the smaller, the more exact
# - b) about $10^{-5}$
# - c) It does not matter.
# - d) $10^{-13}$
#
# **5.** A gradient check of `relu_backward` agrees in all entries but one. There the numerical gradient is 0.5 and
# yours is 0, with `dout` 1. What is wrong?
#
# - a) The gradient is too small for float64.
# - b) It is rounding.
# - c) The entry of `z` is 0 or nearer to it than the step.
# - d) `dout` must not be 1.

# %% exercise="06.quiz"
### BEGIN SOLUTION
### STUB answer_1 = None
### STUB answer_2 = None
### STUB answer_3 = None
### STUB answer_4 = None
### STUB answer_5 = None
answer_1 = "c"
answer_2 = "a"
answer_3 = "d"
answer_4 = "b"
answer_5 = "c"
### END SOLUTION

# %% check="06.quiz"
check("06.quiz", answer_1, answer_2, answer_3, answer_4, answer_5)

# %% [markdown]
# ## What you know now
#
# - There is no formula for a network's minimum. You walk downhill, and for that you need the gradient.
# - Along a path, slopes multiply. Where paths meet, gradients add. A node passes its gradient on when it is complete.
# - One backward pass (reverse mode) gives the slopes of one result with respect to everything. Forward and backward
#   together cost about three forward passes, and the memory for all activations.
# - A layer is a larger box: it gets `dout`, and returns one gradient for each input, in that input's shape.
# - Central differences with $h = 10^{-5}$ in float64 check all of this, away from corners.
#
# ### Cheat sheet
#
# | what | forward | backward |
# |---|---|---|
# | product | $c = a \cdot b$ | $a$ gets $b \cdot \text{dc}$, $b$ gets $a \cdot \text{dc}$ |
# | dense | $xW + b$ | $\text{dout}\, W^\top$, $\; x^\top \text{dout}$, $\;$ sum of dout over the batch |
# | ReLU | $\max(0, z)$ | dout where $z > 0$, else 0 |
# | cross-entropy | $-\frac1N \sum_i \ln p_{i, y_i}$ | $\text{dout} \cdot (p - \text{onehot}(y)) / N$ |
# | convolution | window · $w$, added up, $+ b$ | with $d$ an entry of dout: window of dx += $d\, w$; dw += $d \cdot$ window; db += $d$ |
# | max pooling | largest of a window | the whole entry of dout to the first largest |
# | central difference | | $(f(x + h) - f(x - h)) / 2h$, error about $h^2$ and $\varepsilon / h$ |
#
# In PyTorch: `requires_grad=True` makes a leaf, `loss.backward()` is your `backward`, and `torch.autograd.gradcheck` is
# your gradient check.
#
# ### Words
#
# - **activations**: the values that the forward pass computes, and that reverse mode keeps for the way back.
# - **autograd**: computing gradients by remembering the operations of the forward pass; in full, **automatic
#   differentiation**.
# - **backpropagation**: computing the gradient of a loss with respect to all parameters, from the loss back to the
#   input, by the chain rule.
# - **chain rule**: slopes along a path multiply, and where paths meet they add.
# - **computational graph**: the numbers of a calculation as nodes, with an edge for what was computed from what.
# - **forward pass**: computing the output. The **backward pass** computes the gradients.
# - **gradient**: the slopes of a number with respect to each of many others, in an array of their shape.
# - **gradient check**: comparing a gradient with central differences, $(f(x + h) - f(x - h)) / 2h$.
# - **gradient checkpointing**: keeping only some activations, and computing the others again when they are needed.
# - **gradient descent**: changing the parameters by a small step against the gradient, again and again.
# - **inference**: using a trained network, without computing gradients.
# - **local slope**: by how much the result of one operation grows for each unit of one of its inputs; also **local
#   derivative**.
# - **reverse mode**: one pass from the result back, for all slopes of one result. **Forward mode** takes one pass for
#   each input.
# - **subgradient**: any number between the slopes on both sides of a corner that opens upward, as ReLU's does, where there
#   is no single slope.
# - **topological order**: an order in which every node comes after those that it was computed from.
# - **transposed convolution**: the operation that carries a gradient back through a convolution, used as a layer that enlarges a map.
#
# ### Next
#
# You have the gradient. How do you make the best use of it? How long should a step be, in which direction, from how
# many plates, and from which starting weights? Chapter 07 trains LeNet on handwritten digits, with layers like yours.
#
# ### Further reading
#
# - [cs231n, Backpropagation, intuitions](https://cs231n.github.io/optimization-2/): gates that pass gradients on; and
#   [gradient checks](https://cs231n.github.io/neural-networks-3/#gradcheck), with more traps than these.
# - Michael Nielsen, [Neural Networks and Deep Learning](http://neuralnetworksanddeeplearning.com/chap2.html), chapter
#   2: the four equations of backpropagation.
# - Goodfellow, Bengio and Courville, [Deep Learning](https://www.deeplearningbook.org/contents/mlp.html), section 6.5.
# - Andrej Karpathy, [micrograd](https://github.com/karpathy/micrograd): an engine of this size, with a network on top.
# - Rumelhart, Hinton and Williams, [Learning representations by back-propagating
#   errors](https://doi.org/10.1038/323533a0), 1986: the paper that made it known.
# - Baydin and others, [Automatic differentiation in machine learning: a survey](https://arxiv.org/abs/1502.05767),
#   2018: forward and reverse mode, and what came before.
