# %% [markdown]
# # 06 Backpropagation
#
# The loss says how wrong MealoMi is. A network has thousands of weights, or millions. Which of them should move, and
# which way? Backpropagation answers for all of them at once, in about the time of a few forward passes.
#
# **When you are done, you can**
#
# - say why nobody solves a network's equations, and what one does instead;
# - measure a gradient numerically, choose a good step, and know what it costs;
# - apply the chain rule on a graph with numbers, forwards and backwards, by hand;
# - write an autograd engine, small enough to read in one go;
# - carry a gradient back through a dense layer, ReLU, cross-entropy, a convolution and max pooling;
# - test every one of these with a gradient check, and say what a kink does to it.
#
# **What you build**: `numerical_gradient`, the class `Value` with `backward`, five layers backwards, and in the end
# all gradients of a network that learns.
#
# **Time**: about 90 minutes, and the stretch. **You need**: chapter 02 (the dense layer), 03 (convolution), 04 (max
# pooling), 05 (cross-entropy), and from school the slope of $x^2$ and of a product.

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
# hint more.
#
# ## 1. No formula, so walk downhill
#
# You want the weights with the smallest loss. At the lowest point the loss is flat: all slopes are 0. For a straight
# line and the squared error, *all slopes are 0* is a set of linear equations, and a formula solves them. That was chapter 01.
#
# For a network it is not so. Take even a single layer with softmax and cross-entropy. Its slopes are 0 where
#
# $$\frac1N \sum_{i=1}^{N} (p_i - t_i)\, x_i^\top = 0 .$$
#
# - $x_i$: a plate's features, shape $(D,)$; $t_i$: its label as one-hot, shape $(K,)$.
# - $p_i$: the probabilities, shape $(K,)$. The unknown weights sit inside, in the exponents of a fraction.
#
# Nobody can free the weights from there with a formula, and every further layer folds them in more deeply. The problem is
# **not analytically solvable**, so you take a **numerical method**.
#
# The method is called **gradient descent**. Stand somewhere. Ask which way the loss grows. Take a small step the other
# way. Ask again. Here it looks for the lowest point of $L(w) = w^4 - 3w + 2$, whose slope is $4w^3 - 3$:

# %%
w, rate = 2.0, 0.05
for step in range(12):
    slope = 4 * w**3 - 3
    if step in (0, 1, 2, 3, 11):
        print(f"step {step:>2}   w {w:.4f}   loss {w**4 - 3 * w + 2:.4f}   slope {slope:+.4f}")
    w = w - rate * slope
print(f"lowest point: w = {(3 / 4) ** (1 / 3):.4f}")

# %% [markdown]
# One weight, and its slope was given. A network has many weights: it needs the **gradient**, the slope with respect to
# each of them. How to choose the step is chapter 07. How to get the gradient is this one.
#
# ## 2. The gradient, measured
#
# A slope is how much the loss changes for each unit of a weight. So move one weight a little, and look:
#
# $$\frac{\partial f}{\partial x_k} \approx \frac{f(x + h e_k) - f(x - h e_k)}{2h}$$
#
# - $x$: an array of any shape; $x_k$: one of its numbers.
# - $e_k$: an array of the same shape, 1 at $k$ and 0 elsewhere. So only $x_k$ moves.
# - $h$: the **step**, a small number above 0.
#
# This is the **central difference**: it looks to both sides. **By hand** for $f(x) = x_1^3 + 2x_2^3$ at $x = [1, 2]$, with
# a wide step $h = 0.5$:
#
# | moved | above | below | difference over $2h = 1$ | true slope |
# |---|---|---|---|---|
# | $x_1$ | $1.5^3 + 16 = 19.375$ | $0.5^3 + 16 = 16.125$ | 3.25 | $3 \cdot 1^2 = 3$ |
# | $x_2$ | $1 + 2 \cdot 2.5^3 = 32.25$ | $1 + 2 \cdot 1.5^3 = 7.75$ | 24.5 | $6 \cdot 2^2 = 24$ |
#
# Both are too large by $h^2$ times something. A smaller step would help. How small?
#
# ### Exercise: `numerical_gradient`
#
# NumPy's and SciPy's ready-made differences are off the menu, and so is torch in this whole chapter. (The cells between
# the exercises use it as a referee.)

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
# ### How small a step?
#
# Two things go wrong, at opposite ends.
#
# - **Truncation.** A curve is not straight, so a wide step misses its bend. Looking ahead only, $(f(x+h) - f(x))/h$, the
#   error is about $\tfrac12 f'' h$. Looking to both sides, the bends cancel, and about $\tfrac16 f''' h^2$ remains. Halve the
#   step, and the error falls to a half in the first case, and to a quarter in the second.
# - **Rounding.** A float64 keeps about 16 digits; the last is worth $\varepsilon \approx 2.2 \cdot 10^{-16}$ of the number.
#   $f(x+h)$ and $f(x-h)$ agree in most of them, and the difference keeps only what is left. Divided by $h$, that is an error of
#   about $\varepsilon |f| / h$.
#
# Move the step, with the mouse or the arrow keys.
#
# 1. Find the lowest point of each V, for $\sin x$. How much lower does the central one reach?
# 2. On the right branches, go from $10^{-1}$ to $10^{-2}$. By what factor does each error fall?
# 3. Change to float32. Where is the best step now, and what is the best you can get?
# 4. Take $1000 + \sin x$. The slope is the same. Which branch has moved, and why?

# %% tags=["demo"]
figs.step_explorer(exponent=-5.0)

# %% [markdown]
# The best step is where both errors weigh the same. Write the sum $\tfrac16 |f'''| h^2 + \varepsilon |f| / h$, set its slope
# to 0, and you find
#
# $$h = \Big(3 \varepsilon \, \frac{|f|}{|f'''|}\Big)^{1/3} ,$$
#
# that is $\varepsilon^{1/3}$ times a scale of the function. Where $f$ and its bends are about 1, it is near $10^{-5}$ in
# float64. For forward differences the same sum leads to $\varepsilon^{1/2} \approx 10^{-8}$. See whether the numbers agree:

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
# The measured best wanders a little around the formula's, since rounding errors are a matter of luck. Take $h = 10^{-5}$
# and float64 from here on. float32 needs a far wider step, and even with its best one it keeps six digits fewer.
#
# ### What it costs
#
# Central differences call $f$ twice for each number in $x$. For a small network that is already a lot:

# %%
torch.manual_seed(seed)
network = torch.nn.Sequential(torch.nn.Linear(64, 100), torch.nn.ReLU(), torch.nn.Linear(100, 10)).double()
images, dishes = torch.rand(32, 64, dtype=torch.float64), torch.randint(0, 10, (32,))
parameters = sum(p.numel() for p in network.parameters())


def median_time(function, repeats=25):
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
print(f"central differences, estimated {1e3 * once * 2 * parameters:8.0f} ms   = {2 * parameters:,} forward passes")

# %% [markdown]
# That second line is what you build now. The numerical gradient keeps one job: it is slow and simple, so it can **check** what
# is fast and clever.
#
# ## 3. The chain rule on a graph
#
# MealoMi estimates a spoon of sugar: $m = 2$ g, at $d = 4$ kcal per g. The label says $t = 5$ kcal. (The numbers are made up.)
# The squared error is a chain of small steps:
#
# $$e = d \cdot m = 8, \qquad r = e - t = 3, \qquad L = r^2 = 9 .$$
#
# How does $L$ change with $m$? Go step by step. For each step ask only: *how much does the result grow when the input
# grows by 1?* That is the **local slope**.
#
# | step | local slope | here |
# |---|---|---|
# | $L = r^2$ | $\partial L / \partial r = 2r$ | 6 |
# | $r = e - t$ | $\partial r / \partial e = 1$ | 1 |
# | $e = d \cdot m$ | $\partial e / \partial m = d$ | 4 |
#
# If $m$ grows by a tiny amount, $e$ grows 4 times as much, $r$ as much as $e$, and $L$ 6 times as much as $r$. Along the
# way the factors multiply. That is the **chain rule**:
#
# $$\frac{\partial L}{\partial m} = \frac{\partial L}{\partial r} \cdot \frac{\partial r}{\partial e} \cdot
# \frac{\partial e}{\partial m} = 6 \cdot 1 \cdot 4 = 24 .$$
#
# Believe it after a test: with $m = 2.001$, $e = 8.004$, $r = 3.004$ and $L = 9.024$. It grew by 24 thousandths.
#
# Here is the same as a **graph**. Every box is a number. Blue is the number itself. The violet factors on the edges are the
# local slopes. Red is the **gradient**: by how much $L$ grows for each unit of this box. (The graph is drawn by the
# chapter's own engine, `figs.Value`. You will write yours soon.)

# %%
d, m, t = figs.Value(4), figs.Value(2), figs.Value(5)
e = d * m
r = e - t
L = r**2
L.backward()
figs.draw_graph(
    L,
    {"d": d, "m": m, "t": t, "e": e, "r": r, "L": L},
    "The gradient of a box: the one to its right, times the slope between them",
)

# %% [markdown]
# Read it from right to left. $L$ has gradient 1: if $L$ grows by 1, $L$ grows by 1. Then each box takes the gradient of the
# box to its right, times the slope on the edge. One pass from right to left, and *every* box has its gradient, $d$ and $t$
# too.
#
# ### Where ways meet, add
#
# A number may be used twice. Let the app also add the mass itself, $L = r^2 + m$, so that it prefers small estimates. Now
# $m$ has two ways to $L$. If $m$ grows by a thousandth, $r^2$ grows by 24 thousandths, **and** the new term by 1
# thousandth. Together 25:
#
# $$\frac{\partial L}{\partial m} = \underbrace{6 \cdot 1 \cdot 4}_{\text{through } r} + \underbrace{1}_{\text{directly}} = 25 .$$
#
# **Along a way, multiply. Where ways meet, add.** That is all of backpropagation.
#
# ### Whose turn is it?
#
# Step through a graph in which $c$ is used twice: in $d = c + a$ and in $L = d \cdot c$. Press play, or use the slider and the arrow keys.
#
# 1. Before you go on from step 4, work out all gradients on paper.
# 2. $c$ gets its gradient in two parts. Which box brings which?
# 3. What would $a$ and $b$ get, if $c$ passed on right after the first part?

# %% tags=["demo"]
a, b = figs.Value(2), figs.Value(-3)
c = a * b
d = c + a
L = d * c
figs.step_through(L, {"a": a, "b": b, "c": c, "d": d, "L": L})

# %% [markdown]
# $c$ must wait for $d$. A box may pass its gradient on only when it is complete, that is, after all boxes that it was used
# in. An order in which every box comes after those it was made from is a **topological order**. Backwards, it is just what
# we need.
#
# **Why from right to left?** You could also start at $m$ and go right. Then one pass gives the slopes of everything with
# respect to $m$, and the next weight needs a pass of its own. From right to left, one pass gives the slope of *one* result
# with respect to *everything*. A network has one loss and many weights.
#
# ## 4. An engine
#
# What must a number remember for this? Look at a box once more: its data, its gradient, the boxes that it was made
# from, and a slope for each. Here is such a number that knows nothing but addition:

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
# `x + y` is one more than it seems: Python turns it into `x.__add__(y)`, and ours notes where the result came from. While
# you compute as usual, the graph grows behind your back. `*` calls `__mul__`, `**` calls `__pow__`. If the left side is a plain
# number, as in `2 * x`, Python asks the right side: `__rmul__`.
#
# The local slopes you need:
#
# | operation | its slope |
# |---|---|
# | $a + b$ | 1 for $a$, 1 for $b$ |
# | $a \cdot b$ | $b$ for $a$, and $a$ for $b$ |
# | $x^n$, with a plain number $n$ | $n \, x^{n-1}$ |
# | $\text{relu}(x) = \max(0, x)$ | 1 where $x > 0$, else 0 |
# | $t = \tanh(x)$ | $1 - t^2$ |
#
# $a - b$ is $a + (-1) \cdot b$, and $a / b$ is $a \cdot b^{-1}$: they come for free.
#
# ### Exercise: `Value`
#
# Write four operations. The rest stands there already, and works as soon as yours do.

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
        """The number itself where it is positive, else 0. At exactly 0 the slope is 0."""
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
# ### The way back
#
# Now the second half. Three steps:
#
# 1. List all nodes that lead to the root, each after its children: a topological order. The usual way is a function that
#    calls itself: *if I have seen this node, do nothing. Else visit its children, and then append it to the list.*
# 2. Set `grad` of every node in the list to 0, and of the root to 1.
# 3. Go through the list from its end. Each node hands to each child *slope times its own grad*, and the child **adds** it.
#
# **By hand** with $a = 2$, $b = -3$, $c = ab = -6$, $L = c + a = -4$. The list: $a, b, c, L$. Backwards: $L$ hands $1 \cdot 1$ to $c$
# and $1 \cdot 1$ to $a$. $c$ hands $-3 \cdot 1$ to $a$, which now has $1 - 3 = -2$, and $2 \cdot 1$ to $b$.
#
# ### Exercise: `backward`
#
# A function, not a method yet: it takes the root of any graph of nodes with `grad`, `children` and `slopes`. The check
# hands it nodes of its own, so it does not depend on your `Value`.

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
# A class may be given a method later. With this line, `L.backward()` works on your numbers, and the engine is whole: some
# fifty lines of code. The next cell tries it against the chapter's own, and takes yours if they agree.

# %%
Value.backward = backward


def trial(Number):
    a, b = Number(2.0), Number(-3.0)
    L = (a * b + 5).tanh() * b**2 + (a - b).relu() / a
    L.backward()
    return L.data, a.grad, b.grad


Engine = figs.yours_or_ours(Value, figs.Value, trial)

# %% [markdown]
# A neuron with two inputs, as in chapter 02: $y = \tanh(x_1 w_1 + x_2 w_2 + b)$. If your engine is right, these are your own
# numbers, drawn from your own `children` and `slopes`.

# %%
x1, w1, x2, w2, b = Engine(2.0), Engine(-0.5), Engine(1.0), Engine(0.8), Engine(0.7)
u, v = x1 * w1, x2 * w2
s = u + v
z = s + b
y = z.tanh()
y.backward()
names = {"x₁": x1, "w₁": w1, "x₂": x2, "w₂": w2, "b": b, "u": u, "v": v, "s": s, "z": z, "y": y}
figs.draw_graph(y, names, "One pass back, and all five leaves have their gradient")

# %% [markdown]
# Ask PyTorch the same. Its engine works alike, on whole arrays:

# %%
leaves = [torch.tensor(n.data, dtype=torch.float64, requires_grad=True) for n in (x1, w1, x2, w2, b)]
torch.tanh(leaves[0] * leaves[1] + leaves[2] * leaves[3] + leaves[4]).backward()
print("PyTorch:", [round(leaf.grad.item(), 6) for leaf in leaves])
print("here:   ", [round(n.grad, 6) for n in (x1, w1, x2, w2, b)])

# %% [markdown]
# One thing differs. Yours begins afresh at each call. PyTorch **adds** to what stands in `grad`, until you set it to zero
# yourself. That is handy when a batch is too large for one pass, and a famous source of bugs. You will meet it in chapter 08.
#
# ### A neuron learns
#
# With gradients at hand, gradient descent is three lines. Four plates, one feature (how sweet, from $-1$ to $1$); is it a
# dessert ($+1$) or not ($-1$)? All numbers are made up.

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
# Nobody told it the slope of that loss. It came from the graph.
#
# **Long chains.** A function that calls itself meets a limit: Python stops after a certain depth of calls. Your `backward` is
# only asked for chains of up to 200 nodes, and that is fair for a first engine. For longer ones you keep the list of open nodes
# yourself, in a loop, as the chapter's engine does:

# %%
print("Python's limit of calls within calls, here:", sys.getrecursionlimit())
start = figs.Value(1.0)
end = start
for _ in range(20_000):
    end = end * 1.0001
end.backward()
print(f"a chain of 20,000 products: gradient {start.grad:.6f}, expected {1.0001**20_000:.6f}")

# %% [markdown]
# ## 5. By layers
#
# A box for each number is fine to learn from and far too slow for a million of them. So real networks use bigger boxes:
# whole layers, with arrays instead of numbers. The rules stay. Each layer is told `dout`, the gradient of the loss with
# respect to its output, and must answer with the gradient with respect to each of its inputs. Two things help:
#
# - **A gradient has the shape of what it belongs to.** `dx` has `x`'s shape, `dW` has `W`'s.
# - **Only one dense layer at a time.** Where the loss comes from is none of its business: that is all in `dout`.
#
# ### The gradient check
#
# A layer's output is an array, and a numerical gradient needs a number. So draw `dout` at random, and take
# $f = \sum \text{dout} \cdot \text{output}$. The gradient of this $f$ is just what the backward function should return.
#
# How close is close? This is the measure in all that follows, and `figs.relative_error` in code:
#
# $$\text{relative error}(a, b) = \frac{\max |a - b|}{\max(\max|a|, \max|b|)}$$
#
# for two arrays $a$ and $b$ of one shape: the largest difference, over the largest size of a number in either. In float64,
# with $h = 10^{-5}$, under $10^{-7}$ is well done. Far above it, look for a mistake. (Section 6 has an exception.)

# %%
wide, true = np.array([3.25, 24.5]), np.array([3.0, 24.0])  # the wide step of section 2
print(f"0.5 / 24.5 = {figs.relative_error(wide, true):.4f}")

# %% [markdown]
# `figs.check_layer` measures this for you: your function against central differences, and PyTorch's against them too.
#
# ### A dense layer
#
# $$\underbrace{\text{out}}_{(N, M)} = \underbrace{x}_{(N, D)} \, \underbrace{W}_{(D, M)} + \underbrace{b}_{(M,)}$$
#
# **By hand**, one plate, $D = 2$, $M = 3$: $x = [1, 2]$, $\text{dout} = [1, -1, 2]$, and
#
# $$W = \begin{bmatrix} 1 & 0 & -1 \\ 2 & 1 & 1 \end{bmatrix} .$$
#
# - $W_{dm}$ stands only in $\text{out}_m$, with factor $x_d$. So $\text{dW}_{dm} = x_d \cdot \text{dout}_m$: the rows are
#   $[1, -1, 2]$ and $[2, -2, 4]$.
# - $x_d$ stands in all three outputs, with factor $W_{dm}$. Where ways meet, add:
#   $\text{dx}_1 = 1 \cdot 1 + 0 \cdot (-1) + (-1) \cdot 2 = -1$ and $\text{dx}_2 = 2 - 1 + 2 = 3$.
# - $b_m$ stands in $\text{out}_m$ with factor 1: $\text{db} = [1, -1, 2]$.
#
# With $N$ plates, all of them share $W$ and $b$. Where ways meet, add: `dW` and `db` are sums over the batch. No mean: if the
# loss is a mean, its $1/N$ is in `dout` already.
#
# Write each of the three as one expression. If you are not sure what to transpose, let the shapes decide.
#
# ### Exercise: `dense_backward`

# %% exercise="06.dense_backward"
def dense_backward(dout, x, W):
    """A dense layer, out = x @ W + b, backwards.

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
# $\text{out} = \max(0, z)$, number by number. Its slope is 1 where $z > 0$ and 0 elsewhere, so the gradient passes or is stopped.
# **By hand**: $z = [-1, 4, 0]$ and $\text{dout} = [1, -2, 3]$ give $[0, -2, 0]$. Mind who decides: it is $z$, not the sign of the
# gradient. The $-2$ passes.
#
# ### Exercise: `relu_backward`

# %% exercise="06.relu_backward"
def relu_backward(dout, z):
    """ReLU, out = max(0, z), backwards.

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
# You know this one from chapter 05: for the mean over $N$ plates, the gradient with respect to the scores is
#
# $$\frac{p - t}{N}, \qquad \text{shape } (N, K),$$
#
# - $p$: the softmax of each plate's scores, shape $(N, K)$;
# - $t$: the labels as one-hot, shape $(N, K)$.
#
# As a layer it has one thing more: `dout`, the gradient from above. The loss is one number, and so is `dout`. At the end of
# the graph it is 1. If the loss is half of a larger one, it is 0.5.
#
# ### Exercise: `cross_entropy_backward`
#
# SciPy's softmax and its relatives are off the menu.

# %% exercise="06.cross_entropy_backward"
def cross_entropy_backward(dout, scores, labels):
    """Mean cross-entropy, backwards, from the loss to the scores.

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
# Both under the gradient check. `z` is drawn so that no number lies near ReLU's kink at 0; section 6 says why.

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
# Take one output number. It is a window of $x$ times the kernel, added up, plus the bias. When the gradient $g$ comes from above:
#
# - each pixel of the window gets $g$ times the weight that lay on it: **the window of `dx` += g · w**;
# - each weight gets $g$ times the pixel that lay under it: **`dw` += g · window**;
# - the bias gets $g$.
#
# A pixel lies under several windows, and a weight is used at every place of every picture. Where ways meet, add. Step through it:
#
# 1. Which pixels of `dx` get a part from all four outputs, and which from one only?
# 2. When the last output has handed on, compare `dw` with a cross-correlation of `x` with `dout`.

# %% tags=["demo"]
figs.conv_scatter(
    x=[[1, 0, 2], [3, 1, 0], [0, 2, 1]],
    w=[[1, 2], [0, -1]],
    dout=[[1, 2], [-1, 3]],
)

# %% [markdown]
# **By hand**: $x = \begin{bmatrix} 0 & 1 & 2 \\ 3 & 4 & 5 \end{bmatrix}$, $w = \begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}$, $\text{dout} = [1, 10]$:
#
# $$\text{dx} = \begin{bmatrix} 1 & 2 & 0 \\ 3 & 4 & 0 \end{bmatrix} + \begin{bmatrix} 0 & 10 & 20 \\ 0 & 30 & 40
# \end{bmatrix} = \begin{bmatrix} 1 & 12 & 20 \\ 3 & 34 & 40 \end{bmatrix}, \quad
# \text{dw} = \begin{bmatrix} 0 & 1 \\ 3 & 4 \end{bmatrix} + 10 \begin{bmatrix} 1 & 2 \\ 4 & 5 \end{bmatrix} =
# \begin{bmatrix} 10 & 21 \\ 43 & 54 \end{bmatrix}, \quad \text{db} = 11 .$$
#
# **With padding**, work on the padded picture, and cut the border off `dx` at the end: nobody asked for the gradient of those
# zeros. **With a stride**, output $[i, j]$ has its window at $[i \cdot \text{stride}, j \cdot \text{stride}]$, forwards and backwards alike.
#
# ### Exercise: `conv2d_backward`
#
# Loops are welcome. SciPy's signal and image functions are off the menu.

# %% exercise="06.conv2d_backward"
def conv2d_backward(dout, x, w, stride, padding):
    """A convolution layer (cross-correlation with a bias, as in chapter 03), backwards.

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
# Only the largest number of a window reaches the output. Move another one a little, and nothing happens: slope 0. Move the
# largest, and the output moves as much: slope 1. So the gradient goes to where the largest was, whole.

# %%
figs.pool_routes(
    x=[[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]],
    dout=[[1, 2], [3, -4]],
)

# %% [markdown]
# This is the slice of chapter 04 once more. Where windows overlap, one number may be the largest in several: add.
# And where several numbers of a window are the largest? Strictly there is no slope then. One needs a rule, and ours is PyTorch's: the
# first in reading order gets it all.
#
# ### Exercise: `max_pool2d_backward`

# %% exercise="06.max_pool2d_backward"
def max_pool2d_backward(dout, x, size, stride):
    """Max pooling (as in chapter 04), backwards.

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
# For the check every number of `x` is another one, a tenth apart at least. No step of $10^{-5}$ can change who is the largest.

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
# ## 6. Kinks
#
# Try the check where it must fail. ReLU at exactly 0, and a window of two equal numbers:

# %%
def relu_sum(z):
    return np.maximum(z, 0).sum()


def largest(window):
    return window.max()


print("relu:    numerical slopes at -1, 0, 1      ", figs.central(relu_sum, np.array([-1.0, 0.0, 1.0])))
print("max:     numerical slopes at [3, 5, 5, 1]  ", figs.central(largest, np.array([3.0, 5.0, 5.0, 1.0])))
print("near:    relu at 0.000004, with h = 0.00001", figs.central(relu_sum, np.array([4e-6])))

# %% [markdown]
# A central difference takes the mean of both sides: half of 1 and 0 is 0.5. Your function says 0, PyTorch says 0, and both are
# right: at a kink there is no slope, and any number between those of the two sides may stand for it. The last line shows that
# *near* is enough: the step reaches across the kink.
#
# So **check away from kinks**: draw $z$ at a distance from 0 that is much larger than $h$, and give pooling numbers that differ. If a
# check fails in a few entries only, look there first. In training it does not matter. A sum of real numbers almost never hits 0
# exactly, and if it does, the next step is another one.
#
# ## 7. A whole network
#
# Now put the layers behind one another. A network with one hidden layer, forwards:
#
# | line | shape |
# |---|---|
# | `z1 = X @ W1 + b1` | $(N, H)$ |
# | `a1 = max(0, z1)` | $(N, H)$ |
# | `scores = a1 @ W2 + b2` | $(N, K)$ |
# | `loss` = mean cross-entropy of `scores` and `labels` | one number |
#
# Backwards, each line from the last to the first is one call of a function that you have. What comes out of one is the `dout` of
# the next.
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
        (D, H), (H,), (H, K), (K,).

    Returns
    -------
    loss : float
        The mean cross-entropy.
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
# ### Let it learn
#
# Two kinds of plates with two made-up features, as two half-moons that reach into each other. No straight line parts them. The
# network has 16 hidden units, and starts from random weights. If your `network_gradients` is right, it learns with yours.

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
# 1. Go back to moment 1. A network that says 50 % everywhere pays $\ln 2 \approx 0.69$. Why does this one pay more?
# 2. At which moment is the last plate right? Does the loss stop there?
# 3. Show where the hidden units switch on. The boundary bends just where it crosses such a line. Why?

# %% tags=["demo"]
figs.training_board(X, labels, history, losses)

# %% [markdown]
# Each hidden unit is a ReLU, flat on one side of its line and rising on the other. Between the lines the network is a plain linear
# classifier; at each line it may bend. Backpropagation found out where to put them.
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
# **3.** A network has a million weights, and one forward pass takes 10 ms. About how long does it take to get all slopes of the loss by
# backpropagation?
#
# - a) two million forward passes, 20,000 s
# - b) a million forward passes, 10,000 s
# - c) about a second for each thousand weights
# - d) a few forward passes, some 30 ms
#
# **4.** Central differences in float64, of a function whose values and bends are about 1. Which step is best?
#
# - a) $10^{-16}$: the smaller, the more exact
# - b) about $10^{-5}$
# - c) It does not matter.
# - d) $10^{-13}$
#
# **5.** A gradient check of `relu_backward` agrees everywhere but in one entry: numerical 0.5, yours 0, with `dout` 1. What is the matter?
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
# - A network's minimum has no formula. One walks downhill, and for that one needs the gradient.
# - Along a way slopes multiply. Where ways meet, gradients add. A node passes on when its gradient is complete.
# - One backward pass gives the slopes of one result with respect to everything, for the price of a few forward passes.
# - A layer is a bigger box: told `dout`, it answers with one gradient for each input, of that input's shape.
# - Central differences with $h = 10^{-5}$ in float64 check all that, away from kinks.
#
# ### Cheat sheet
#
# | what | forwards | backwards |
# |---|---|---|
# | product | $c = a \cdot b$ | $a$ gets $b \cdot \text{dc}$, $b$ gets $a \cdot \text{dc}$ |
# | dense | $xW + b$ | $\text{dout}\, W^\top$, $\; x^\top \text{dout}$, $\;$ sum of dout over the batch |
# | ReLU | $\max(0, z)$ | dout where $z > 0$, else 0 |
# | cross-entropy | $-\frac1N \sum_i \ln p_{i, y_i}$ | $\text{dout} \cdot (p - t) / N$ |
# | convolution | window · $w$, added up, $+ b$ | window of dx += $g\, w$; dw += $g \cdot$ window; db += $g$ |
# | max pooling | largest of a window | all of $g$ to the first largest |
# | central difference | | $(f(x + h) - f(x - h)) / 2h$, error about $h^2$ and $\varepsilon / h$ |
#
# In PyTorch: `requires_grad=True` makes a leaf, `loss.backward()` is your `backward`, and `torch.autograd.gradcheck` is
# your gradient check.
#
# ### Next
#
# You have the gradient. What is the best use of it? How long a step, in which direction, from how many plates, and from which
# start? Chapter 07 trains LeNet on handwritten digits, with layers like yours.
#
# ### Further reading
#
# - [cs231n, Backpropagation, intuitions](https://cs231n.github.io/optimization-2/): gates that pass gradients on; and
#   [gradient checks](https://cs231n.github.io/neural-networks-3/#gradcheck), with more traps than these.
# - Michael Nielsen, [Neural Networks and Deep Learning](http://neuralnetworksanddeeplearning.com/chap2.html), chapter 2: the four
#   equations of backpropagation.
# - Goodfellow, Bengio and Courville, [Deep Learning](https://www.deeplearningbook.org/contents/mlp.html), section 6.5.
# - Andrej Karpathy, [micrograd](https://github.com/karpathy/micrograd): an engine of this size, with a network on top.
# - Rumelhart, Hinton and Williams, [Learning representations by back-propagating errors](https://doi.org/10.1038/323533a0),
#   1986: the paper that made it known.
# - Baydin and others, [Automatic differentiation in machine learning: a survey](https://arxiv.org/abs/1502.05767), 2018:
#   forward and reverse mode, and what came before.
